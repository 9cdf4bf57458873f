"""What can go wrong with products and stock, each with its exit code and a way out."""

from __future__ import annotations

from shopctl.kernel.errors import Conflict, InvalidData, NotFound, Partial, UsageError


class ProductNotFound(NotFound):
    """There is no product {skus}."""

    code = "catalogue.product_not_found"
    hint = "{suggestion}Find it with: shopctl catalogue search, or shopctl catalogue list"


class NotYetCreated(NotFound):
    """There was no product {sku} at {at} yet; it was created at {created_at}."""

    code = "catalogue.not_yet_created"
    hint = "See its life with: shopctl catalogue history {sku}"


class UnknownField(UsageError):
    """A product has no field {field!r} that can be set."""

    code = "catalogue.unknown_field"
    hint = "{remedy}"


class BadAssignment(UsageError):
    """{text!r} is not FIELD=VALUE."""

    code = "catalogue.bad_assignment"
    hint = "Write it as name='Blue mug', price.EUR=19.99 or options.Size=; an empty value takes a field away."


class AssignedTwice(UsageError):
    """The field {field} is given twice."""

    code = "catalogue.assigned_twice"
    hint = "Give each field once."


class InvalidField(InvalidData):
    """{sku}: {reason}."""

    code = "catalogue.invalid_field"
    hint = "Mend {field} ({reason_code}); nothing was changed."


class InvalidTransition(Conflict):
    """{sku} is {status}; it cannot be scheduled for publication."""

    code = "catalogue.invalid_transition"
    hint = "Retire it first: shopctl catalogue retire {sku}"


class EndsBeforeItBegins(Conflict):
    """{sku} would be retired at {retire_at}, before it is published at {publish_at}."""

    code = "catalogue.ends_before_it_begins"
    hint = "Choose a later moment, or change the other with: shopctl catalogue set {sku} publish_at=TIME"


class StaleProduct(Conflict):
    """Somebody else changed {sku} at the same moment; nothing was changed."""

    code = "catalogue.stale_product"
    hint = "Look at it and run the command again: shopctl catalogue history {sku}"
    retryable = True


class InsufficientStock(Conflict):
    """Only {available} of {sku} are left at {location}, {wanted} were asked for."""

    code = "catalogue.insufficient_stock"
    hint = "See who holds the rest with: shopctl stock reservations {sku}"


class BelowReserved(InsufficientStock):
    """{reserved} of {sku} are reserved at {location}; its stock cannot become {wanted}."""


class ReservationNotFound(NotFound):
    """There is no reservation {ids}."""

    code = "catalogue.reservation_not_found"
    hint = "See them with: shopctl stock reservations"


class ReservationEnded(Conflict):
    """The reservation {id} is {state} already."""

    code = "catalogue.reservation_ended"
    hint = "See those that hold with: shopctl stock reservations"


class ReservationOver(UsageError):
    """A reservation until {until} would be over before it began."""

    code = "catalogue.reservation_over"
    hint = "Give a moment that is yet to come."


class InvalidQuantity(UsageError):
    """{quantity} is not a quantity of stock: {reason}."""

    code = "catalogue.invalid_quantity"
    hint = "Give a whole number of pieces."


class NotForSpreadsheets(InvalidData):
    """XLSX cannot hold the product {sku}: {reason}."""

    code = "catalogue.not_for_spreadsheets"
    hint = "Export as csv, ndjson or json."


class BadJudgments(InvalidData):
    """{file} cannot be used: {reason}."""

    code = "catalogue.bad_judgments"
    hint = "Judgments are a CSV file with the columns query, sku and rating; a baseline is the JSON of an evaluation."


class RelevanceFell(Partial):
    """Search has become worse: NDCG@10 is {found}, and at least {wanted} is asked for."""

    code = "catalogue.relevance_fell"
    hint = "Look at the worst queries that were printed; change the judgments or the baseline only if they are wrong."
