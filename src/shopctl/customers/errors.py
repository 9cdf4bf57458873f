"""What can go wrong with customers, each with its exit code and a way out; no message repeats what is personal."""

from __future__ import annotations

from shopctl.kernel.errors import Conflict, InvalidData, NotFound, Partial, UsageError


class CustomerNotFound(NotFound):
    """There is no customer {who!r}."""

    code = "customer.not_found"
    hint = "See them all with: shopctl customer list"


class AddressNotFound(NotFound):
    """Customer {customer} has no address {address!r}."""

    code = "customer.address_not_found"
    hint = "See what there is with: shopctl customer show {customer}"


class PaymentMethodNotFound(NotFound):
    """Customer {customer} has no payment method {method!r}."""

    code = "customer.payment_method_not_found"
    hint = "See what there is with: shopctl customer show {customer}"


class CustomerExists(Conflict):
    """There is a customer {customer} already."""

    code = "customer.exists"
    hint = "Change that customer: shopctl customer set {customer} FIELD=VALUE"


class EmailTaken(Conflict):
    """Customer {customer} has this e-mail address already."""

    code = "customer.email_taken"
    hint = "Look at that customer: shopctl customer show {customer}"


class UserTaken(Conflict):
    """That user is linked to customer {customer} already."""

    code = "customer.user_taken"
    hint = "Take the link away first: shopctl customer set {customer} user="


class TokenTaken(Conflict):
    """This payment method is saved for customer {customer} already."""

    code = "customer.token_taken"
    hint = "Look at that customer: shopctl customer show {customer}"


class CustomerErased(Conflict):
    """Customer {customer} was erased and takes nothing any more."""

    code = "customer.was_erased"
    hint = "Add a new customer with: shopctl customer add"


class InvalidField(InvalidData):
    """{field}: {reason}."""

    code = "customer.invalid_field"
    hint = "Mend {field} ({reason_code}); nothing was changed."


class CardNumber(UsageError):
    """{field} holds the number of a payment card, and none is stored here."""

    code = "customer.card_number"
    hint = "Have the gateway keep the card, and save the token it gives for it, such as pm_…"


class UnknownField(UsageError):
    """A customer has no field {field!r} that can be set."""

    code = "customer.unknown_field"
    hint = "{remedy}"


class BadAssignment(UsageError):
    """{text!r} is not FIELD=VALUE."""

    code = "customer.bad_assignment"
    hint = "Write it as email=name@example.org or shipping.city=Berlin; an empty value takes a field away."


class AssignedTwice(UsageError):
    """The field {field} is given twice."""

    code = "customer.assigned_twice"
    hint = "Give each field once."


class RowsRejected(InvalidData):
    """{rejected:,} of {rows:,} rows cannot be taken, so the file {was} refused; nothing was changed."""

    code = "customer.rows_rejected"
    hint = "{remedy} To take only the good rows: --on-error skip-rows"


class RowsSkipped(Partial):
    """{rejected:,} of {rows:,} rows {were_not} taken, the rest {was}."""

    code = "customer.rows_skipped"
    hint = "{remedy}"
