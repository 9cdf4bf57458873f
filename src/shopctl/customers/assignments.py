"""FIELD=VALUE: which fields of a customer a person may set, by the same rules as a file's cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any

from shopctl.customers.checks import KINDS_OF_ADDRESS, Wrong, checked
from shopctl.customers.errors import (
    AddressNotFound,
    AssignedTwice,
    BadAssignment,
    PaymentMethodNotFound,
    UnknownField,
)
from shopctl.customers.model import ADDRESS_FIELDS, Address, Profile, new_address

CONTACT = ("name", "email", "phone", "language", "country", "user")
_METHOD_FIELDS = ("label", "expires")
FIELDS = (*CONTACT, "shipping.FIELD", "billing.FIELD", "address.ID.FIELD", "payment_method.ID.FIELD")
_TRUE = ("true", "yes", "1")


def split(assignments: Sequence[str]) -> dict[str, str]:
    """Each field and its value. Raises BadAssignment, AssignedTwice."""
    values: dict[str, str] = {}
    for text in assignments:
        field, equals, value = text.partition("=")
        field = field.strip()
        if not equals or not field:
            raise BadAssignment(text=text.partition("=")[0][:40])
        if field in values:
            raise AssignedTwice(field=field)
        values[field] = value
    return values


def assigned(profile: Profile, values: dict[str, str]) -> Profile:
    """The customer with these fields set, one after another; an empty value takes one away.

    `shipping.city` and `billing.city` are of the default addresses, which are made where they are missing; `shipping=`
    takes that address away. `address.ID.city` and `payment_method.ID.label` are of those with this id, `address.ID=`
    takes it away, `address.ID.default=true` makes it the default of its kind. Raises Wrong, UnknownField (exit 2),
    AddressNotFound, PaymentMethodNotFound (exit 3).
    """
    for field, value in values.items():
        first, *rest = field.split(".")
        setter = _SETTERS.get(first)
        if setter is None or (first in CONTACT and rest):
            raise UnknownField(field=field, remedy=_remedy(first))
        profile = setter(profile, field, rest, value)
    return profile


def address_of(kind: str, values: dict[str, str]) -> Address:
    """A further address from its fields. Raises Wrong, UnknownField."""
    kind = checked("kind", kind, "address_kind") or ""
    fields = {field: _address_value(field, field, value) for field, value in values.items()}
    address = new_address(kind, fields)
    if address.is_empty:
        raise Wrong("address", "address.empty", "it has no field")
    return address


def _contact(profile: Profile, field: str, rest: list[str], value: str) -> Profile:
    text = checked(field, value)
    return profile.with_contact({"user_id" if field == "user" else field: text})


def _default_address(profile: Profile, field: str, rest: list[str], value: str) -> Profile:
    kind = field.partition(".")[0]
    present = profile.default_address(kind)
    if not rest and not value.strip():
        return profile.with_addresses(each for each in profile.addresses if each is not present)
    if len(rest) != 1:
        raise UnknownField(field=field, remedy=_address_remedy(kind))
    made = (present or new_address(kind, {})).with_fields({rest[0]: _address_value(rest[0], field, value)})
    return profile.with_addresses([*(each for each in profile.addresses if each is not present), made])


def _address_by_id(profile: Profile, field: str, rest: list[str], value: str) -> Profile:
    present = next((each for each in profile.addresses if rest and each.id == rest[0]), None)
    if present is None:
        raise AddressNotFound(customer=profile.customer.id, address=rest[0] if rest else "")
    others = [each for each in profile.addresses if each is not present]
    if len(rest) == 1 and not value.strip():
        return profile.with_addresses(others)
    if rest[1:] == ["default"] and value.strip().lower() in _TRUE:
        return profile.with_addresses(profile.addresses, default=present.id)
    if len(rest) != 2:
        raise UnknownField(field=field, remedy=_address_remedy("address.ID"))
    return profile.with_addresses([*others, present.with_fields({rest[1]: _address_value(rest[1], field, value)})])


def _payment_method(profile: Profile, field: str, rest: list[str], value: str) -> Profile:
    present = next((each for each in profile.payment_methods if rest and each.id == rest[0]), None)
    if present is None:
        raise PaymentMethodNotFound(customer=profile.customer.id, method=rest[0] if rest else "")
    others = [each for each in profile.payment_methods if each is not present]
    if len(rest) == 1 and not value.strip():
        return profile.with_payment_methods(others)
    if rest[1:] == ["default"] and value.strip().lower() in _TRUE:
        return profile.with_payment_methods(profile.payment_methods, default=present.id)
    if len(rest) != 2 or rest[1] not in _METHOD_FIELDS:
        remedy = "Of a payment method label and expires can be set; default=true prefers it, an empty value removes it."
        raise UnknownField(field=field, remedy=remedy)
    said: dict[str, Any] = {rest[1]: checked(field, value, rest[1])}
    changed = present._replace(**said)
    return profile.with_payment_methods([*others, changed])


def _address_value(name: str, field: str, value: str) -> str | None:
    if name not in ADDRESS_FIELDS:
        raise UnknownField(field=field, remedy=_address_remedy(field.rpartition(".")[0]))
    return checked(field, value, name)


def _address_remedy(prefix: str) -> str:
    names = [f"{prefix}.{name}" if prefix else name for name in ADDRESS_FIELDS]
    return f"Of an address can be set: {', '.join(names)}"


def _remedy(name: str) -> str:
    if name in ("token", "card", "payment", "payment_methods"):
        return "Save a payment method with: shopctl customer payment-method CUSTOMER TOKEN"
    near = get_close_matches(name, [*_SETTERS], n=1)
    return f"Did you mean: {near[0]}" if near else f"There are: {', '.join(FIELDS)}"


_SETTERS: dict[str, Callable[[Profile, str, list[str], str], Profile]] = {
    **dict.fromkeys(CONTACT, _contact),
    **dict.fromkeys(KINDS_OF_ADDRESS, _default_address),
    "address": _address_by_id,
    "payment_method": _payment_method,
}
