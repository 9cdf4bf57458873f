"""Customers: who buys, where to, and with which saved payment methods; and their erasing.

What is personal is sealed, and no entry of the audit trail holds any of it, only the names of what changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from shopctl.customers.assignments import address_of, assigned, split
from shopctl.customers.checks import CARD_NUMBER, Wrong, check_count, checked, checked_id, checked_token
from shopctl.customers.errors import (
    CardNumber,
    CustomerErased,
    CustomerExists,
    EmailTaken,
    InvalidField,
    TokenTaken,
    UserTaken,
)
from shopctl.customers.model import Customer, PaymentMethod, Profile
from shopctl.customers.ports import Users
from shopctl.customers.queries import Customers, Filters
from shopctl.customers.storing import Storing
from shopctl.kernel import ids
from shopctl.kernel.clock import Clock
from shopctl.kernel.redaction import remember_secret
from shopctl.storage.database import Database
from shopctl.storage.errors import ConstraintBroken
from shopctl.storage.sealing import Sealer
from shopctl.storage.unit import Unit

if TYPE_CHECKING:
    from shopctl.audit.service import Audit

_Made = TypeVar("_Made")


class CustomerService:
    """Use cases about customers; `users` tells whom a name or an address means as a user."""

    def __init__(self, database: Database, audit: Audit, clock: Clock, sealer: Sealer, users: Users) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._sealer = sealer
        self._users = users

    def show(self, who: str) -> dict[str, Any]:
        """A customer by id or e-mail address: {"customer_id","state","name",…,"addresses","payment_methods",…}.

        Raises CustomerNotFound.
        """
        with self._database.read() as unit:
            return Customers(unit, self._sealer).need(who).as_dict()

    def list(self, filters: Filters, *, limit: int | None = None, offset: int = 0) -> Iterator[dict[str, Any]]:
        """Customers as rows without addresses and payment methods, in the order of their ids, as a stream."""
        with self._database.read() as unit:
            for customer in Customers(unit, self._sealer).listed(filters, limit=limit, offset=offset):
                yield customer.as_dict()

    def add(self, assignments: Sequence[str] = (), *, customer_id: str | None = None) -> dict[str, Any]:
        """Add a customer, under the caller's own id if there is one.

        Raises CustomerExists, EmailTaken, UserTaken (exit 5), InvalidField (12), CardNumber and what `assigned` names.
        """
        now = self._clock.now()
        with _named():
            own = ids.new("cus") if customer_id is None else checked_id("id", customer_id)
            bare = Profile(Customer.bare(own, now))
            made = assigned(bare, self._values(assignments))

        def add() -> None:
            # Also what is only added moves pages, and with them what others stored.
            with self._database.scrubbing(), self._database.unit() as unit:
                customers = Customers(unit, self._sealer)
                if customers.by_ids([own]):
                    raise CustomerExists(customer=own)
                self._check_free(customers, made)
                Storing(unit, self._sealer).store([(None, made)])
                self._audit.record(unit, "customer.add", own, {"fields": made.differences(bare)})

        self._once_more(add)
        return made.as_dict()

    def ensure(self, unit: Unit, customer_id: str) -> Customer:
        """The customer of this id, who is added as a bare one if there is none; for verbs that name a customer.

        Raises InvalidField for what cannot be an id, CustomerErased.
        """
        customers = Customers(unit, self._sealer)
        found = customers.by_ids([customer_id])
        if not found:
            with _named():
                made = Customer.bare(checked_id("customer", customer_id), self._clock.now())
            if Storing(unit, self._sealer).add_bare(made):
                self._audit.record(unit, "customer.add", customer_id, {"fields": []})
            found = customers.by_ids([customer_id])
        customer = found[customer_id].customer
        if customer.state == "erased":
            raise CustomerErased(customer=customer_id)
        return customer

    def set(self, who: str, assignments: Sequence[str]) -> dict[str, Any]:
        """Set fields of a customer, see `assignments.assigned`. Raises what it names, CustomerErased and as `add`."""
        values = self._values(assignments)
        return self._change(who, lambda profile: assigned(profile, values))

    def add_address(self, who: str, kind: str, assignments: Sequence[str], *, default: bool = False) -> dict[str, Any]:
        """Add a further address; the first of its kind is the default. Raises as `set`."""
        with _named():
            made = address_of(kind, split(assignments))

        def added(profile: Profile) -> Profile:
            check_count("address", len(profile.addresses) + 1)
            return profile.with_addresses([*profile.addresses, made], default=made.id if default else None)

        return self._change(who, added)

    def add_payment_method(
        self,
        who: str,
        token: str,
        *,
        gateway: str,
        kind: str = "card",
        label: str | None = None,
        expires: str | None = None,
        default: bool = False,
    ) -> dict[str, Any]:
        """Save what a gateway calls a payment method that it keeps; saving it again changes what is said of it.

        Raises TokenTaken when it is another customer's, and as `set`.
        """
        with _named():
            made = PaymentMethod(
                ids.new("cpm"),
                checked("gateway", gateway) or "",
                checked_token("token", token),
                checked("kind", kind, "payment_kind") or "",
                checked("label", label or ""),
                checked("expires", expires or ""),
            )
        remember_secret(token)

        def saved(profile: Profile) -> Profile:
            present = next((each for each in profile.payment_methods if each.token == token), None)
            others = [each for each in profile.payment_methods if each is not present]
            method = made
            if present is not None:
                method = present._replace(label=made.label or present.label, expires=made.expires or present.expires)
            return profile.with_payment_methods([*others, method], default=method.id if default else None)

        return self._change(who, saved, token=token)

    def erase(self, who: str) -> dict[str, Any]:
        """Erase a customer: {"customer_id","state","addresses","payment_methods","log_emptied"}; counts of what went.

        The id, the country and the dates stay, for what was bought. Erasing again changes nothing. Where the file is
        ours, what was there is overwritten and its log emptied; `log_emptied` is False when readers kept it. Raises
        CustomerNotFound.
        """
        with self._database.scrubbing():
            with self._database.unit() as unit:
                profile = Customers(unit, self._sealer).need(who, lock=True)
                customer = profile.customer
                if customer.state != "erased":
                    Storing(unit, self._sealer).erase(customer.id, self._clock.now())
                    self._audit.record(unit, "customer.erase", customer.id, {})
            emptied = self._database.empty_log()
        return {
            "customer_id": customer.id,
            "state": "erased",
            "addresses": len(profile.addresses),
            "payment_methods": len(profile.payment_methods),
            "log_emptied": emptied,
        }

    def _change(self, who: str, change: Callable[[Profile], Profile], *, token: str | None = None) -> dict[str, Any]:
        def write() -> Profile:
            with self._database.scrubbing(), self._database.unit() as unit:
                customers = Customers(unit, self._sealer)
                before = customers.need(who, lock=True)
                if before.customer.state == "erased":
                    raise CustomerErased(customer=before.customer.id)
                with _named():
                    after = change(before)
                if not (fields := after.differences(before)):
                    return before
                self._check_free(customers, after, before, token)
                version, now = before.customer.version + 1, self._clock.now()
                after = after._replace(customer=after.customer._replace(version=version, updated_at=now))
                Storing(unit, self._sealer).store([(before, after)])
                self._audit.record(unit, "customer.set", after.customer.id, {"fields": fields})
                return after

        return self._once_more(write).as_dict()

    def _values(self, assignments: Sequence[str]) -> dict[str, str]:
        """The assignments; a user who is named otherwise than by his id is looked up."""
        values = split(assignments)
        if (user := values.get("user", "").strip()) and ids.prefix_of(user) != "usr":
            values["user"] = self._users(user)
        return values

    def _check_free(
        self, customers: Customers, after: Profile, before: Profile | None = None, token: str | None = None
    ) -> None:
        """What only one customer can have. Raises EmailTaken, UserTaken, TokenTaken."""
        own, was = after.customer, before.customer if before else None
        if own.email is not None and (was is None or own.email != was.email):
            for owner in customers.ids_by_email([own.email]).values():
                if owner != own.id:
                    raise EmailTaken(customer=owner)
        if own.user_id is not None and (was is None or own.user_id != was.user_id):
            for owner in customers.ids_by_user([own.user_id]).values():
                if owner != own.id:
                    raise UserTaken(customer=owner)
        if token is not None and (holder := customers.id_by_token(token)) not in (None, own.id):
            raise TokenTaken(customer=holder)

    def _once_more(self, write: Callable[[], _Made]) -> _Made:
        """Write; when somebody else took the same id or address in between, again, and the check finds it."""
        try:
            return write()
        except ConstraintBroken:
            return write()


@contextmanager
def _named() -> Iterator[None]:
    """Say with an error what is wrong with a field. Raises InvalidField, CardNumber."""
    try:
        yield
    except Wrong as wrong:
        if wrong.code == CARD_NUMBER:
            raise CardNumber(field=wrong.field) from None
        raise InvalidField(field=wrong.field, reason_code=wrong.code, reason=wrong.message) from None
