"""What a customer is: contact, addresses and saved payment methods, and how the three change; no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from shopctl.kernel import clock, ids
from shopctl.kernel.clock import Instant

State = Literal["active", "erased"]
ADDRESS_FIELDS = ("name", "company", "street", "city", "region", "postal_code", "country")
CONTACT_FIELDS = ("name", "email", "phone", "language", "country", "user_id")


class Customer(NamedTuple):
    """Somebody who buys, as stored, the sealed columns opened."""

    id: str
    state: State
    name: str | None
    email: str | None
    phone: str | None
    language: str | None
    country: str | None
    user_id: str | None
    version: int
    created_at: Instant
    updated_at: Instant

    @classmethod
    def bare(cls, customer_id: str, now: Instant) -> Customer:
        """Of whom nothing is known yet."""
        return cls(customer_id, "active", None, None, None, None, None, None, 1, now, now)

    def as_dict(self) -> dict[str, Any]:
        """For scripts, times as RFC 3339."""
        shown = {"customer_id": self.id, **self._asdict()}
        del shown["id"]
        return shown | {"created_at": clock.show(self.created_at), "updated_at": clock.show(self.updated_at)}


class Address(NamedTuple):
    """Where something is sent, or billed; each kind has one default."""

    id: str
    kind: str
    name: str | None = None
    company: str | None = None
    street: str | None = None
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None
    default: bool = False

    @property
    def fields(self) -> dict[str, str | None]:
        """What is written on a letter."""
        return {name: getattr(self, name) for name in ADDRESS_FIELDS}

    def with_fields(self, fields: Mapping[str, Any]) -> Address:
        """With these fields."""
        return self._replace(**fields)

    def as_dict(self) -> dict[str, Any]:
        """For scripts."""
        return {"address_id": self.id, "kind": self.kind, **self.fields, "default": self.default}

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left of it."""
        return not any(self.fields.values())


class PaymentMethod(NamedTuple):
    """A payment method that a gateway keeps under `token`."""

    id: str
    gateway: str
    token: str
    kind: str
    label: str | None
    expires: str | None  # 2029-04
    default: bool = False

    def as_dict(self) -> dict[str, Any]:
        """For scripts; the token is never shown whole (S18)."""
        shown = {"payment_method_id": self.id, **self._asdict()}
        del shown["id"]
        return shown | {"token": "…" + (self.token[-4:] if len(self.token) > 8 else "")}


class Profile(NamedTuple):
    """A customer with all that belongs to him; addresses and payment methods in the order of their ids."""

    customer: Customer
    addresses: tuple[Address, ...] = ()
    payment_methods: tuple[PaymentMethod, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """All there is of him, but for the tokens."""
        shown = self.customer.as_dict()
        end = {name: shown.pop(name) for name in ("version", "created_at", "updated_at")}
        return {
            **shown,
            "addresses": [each.as_dict() for each in self.addresses],
            "payment_methods": [method.as_dict() for method in self.payment_methods],
            **end,
        }

    def default_address(self, kind: str) -> Address | None:
        """Where things of this kind go by themselves."""
        return next((each for each in self.addresses if each.kind == kind and each.default), None)

    def with_contact(self, fields: Mapping[str, Any]) -> Profile:
        """With these fields of the customer himself."""
        return self._replace(customer=self.customer._replace(**fields))

    def with_addresses(self, addresses: Iterable[Address], *, default: str | None = None) -> Profile:
        """With these addresses and no others; empty ones are left out, `default` becomes the default of its kind."""
        kept = sorted((each for each in addresses if not each.is_empty), key=lambda each: each.id)
        chosen: dict[str, str] = {}
        for each in kept:
            if each.id == default or (each.default and chosen.get(each.kind) != default):
                chosen[each.kind] = each.id
            chosen.setdefault(each.kind, each.id)
        return self._replace(addresses=tuple(each._replace(default=chosen[each.kind] == each.id) for each in kept))

    def with_payment_methods(self, methods: Iterable[PaymentMethod], *, default: str | None = None) -> Profile:
        """With these payment methods and no others; one is the default, `default` if it is given."""
        kept = sorted(methods, key=lambda each: each.id)
        wanted = [each.id for each in kept if each.id == default] or [each.id for each in kept if each.default]
        chosen = (wanted or [each.id for each in kept] or [""])[0]
        return self._replace(payment_methods=tuple(each._replace(default=each.id == chosen) for each in kept))

    def differences(self, before: Profile) -> list[str]:
        """The names of what is not as it was, for the audit trail."""
        fields = [name for name in CONTACT_FIELDS if getattr(self.customer, name) != getattr(before.customer, name)]
        fields += ["addresses"] * (self.addresses != before.addresses)
        return fields + ["payment_methods"] * (self.payment_methods != before.payment_methods)


def new_address(kind: str, fields: Mapping[str, Any]) -> Address:
    """An address that was not there before."""
    return Address(ids.new("adr"), kind, **fields)
