"""A row of a file of customers: what it says of one, and what becomes of him by it. No I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from shopctl.customers.assignments import CONTACT
from shopctl.customers.checks import (
    CARD_NUMBER,
    KINDS_OF_ADDRESS,
    Wrong,
    check_count,
    checked,
    checked_id,
    holds_card_number,
    phone_is_card_number,
)
from shopctl.customers.model import ADDRESS_FIELDS, Address, Customer, Profile, new_address
from shopctl.kernel import ids
from shopctl.kernel.cards import without_card_numbers
from shopctl.kernel.clock import Instant
from shopctl.records.rejects import Reject

OTHERS = "other_addresses"
COLUMNS = (
    "customer_id",
    *CONTACT,
    *(f"{kind}_{field}" for kind in KINDS_OF_ADDRESS for field in ADDRESS_FIELDS),
    OTHERS,
)
_ADDRESSES = {f"{kind}_{field}": (kind, field) for kind in KINDS_OF_ADDRESS for field in ADDRESS_FIELDS}


class Said(NamedTuple):
    """What a row says; a field that it does not give stays, one that it gives as None goes."""

    id: str | None
    contact: dict[str, str | None]
    addresses: dict[str, dict[str, str | None]]  # of the default addresses, by kind
    others: list[Address] | None  # all further ones; without ids where the row gives none

    @property
    def email(self) -> str | None:
        """The address, by which a customer without an id is known."""
        return self.contact.get("email")


def said(values: Mapping[str, str]) -> Said:
    """Read a row. Raises Wrong."""
    given: dict[str, str | None] = {}
    contact: dict[str, str | None] = {}
    addresses: dict[str, dict[str, str | None]] = {}
    for column, value in values.items():
        if column in _ADDRESSES:
            kind, field = _ADDRESSES[column]
            addresses.setdefault(kind, {})[field] = checked(column, value, field) if value else None
        elif column in CONTACT:
            contact["user_id" if column == "user" else column] = checked(column, value) if value else None
        elif column == "customer_id":
            given[column] = checked_id(column, value.strip()) if value.strip() else None
    others = _others(values[OTHERS]) if OTHERS in values else None
    row = Said(given.get("customer_id"), contact, addresses, others)
    if row.id is None and row.email is None:
        raise Wrong("customer_id", "row.nobody", "the row has neither a customer_id nor an email")
    return row


def applied(row: Said, before: Profile | None, *, customer_id: str, now: Instant) -> Profile:
    """The customer as the row will have him; equal to what was before where the row says nothing new."""
    after = before or Profile(Customer.bare(customer_id, now))
    after = after.with_contact(row.contact)
    kept = [each for each in after.addresses if each.default]
    kept += [each for each in after.addresses if not each.default] if row.others is None else _recognised(row, after)
    for kind, fields in row.addresses.items():
        present = after.default_address(kind)
        if present is None and not any(fields.values()):
            continue
        made = (present or new_address(kind, {"default": True})).with_fields(fields)
        kept = [each for each in kept if each is not present] + [made]
    return after.with_addresses(kept)


def cells(profile: Profile) -> dict[str, Any]:
    """A customer as a row that says all there is of him, but for his payment methods."""
    customer = profile.customer
    row: dict[str, Any] = {"customer_id": customer.id, **{name: getattr(customer, name) for name in CONTACT[:-1]}}
    row["user"] = customer.user_id
    for kind in KINDS_OF_ADDRESS:
        address = profile.default_address(kind)
        row |= {f"{kind}_{field}": address and getattr(address, field) for field in ADDRESS_FIELDS}
    row[OTHERS] = [
        {"address_id": each.id, "kind": each.kind, **{name: text for name, text in each.fields.items() if text}}
        for each in profile.addresses
        if not each.default
    ]
    return row


def without_cards(reject: Reject, values: Mapping[str, str]) -> Reject:
    """The reject, its cells masked where the row holds the number of a payment card (S19)."""
    found = (
        phone_is_card_number(value) if column == "phone" else holds_card_number(value)
        for column, value in values.items()
    )
    if not any(found) and reject.code != CARD_NUMBER:
        return reject
    return reject._replace(cells=[without_card_numbers(cell) for cell in reject.cells])


def _recognised(row: Said, present: Profile) -> list[Address]:
    """The further addresses of a row, each with the id it has here already: by that id, else by what it says."""
    there = {each.id: each for each in present.addresses if not each.default}
    taken: list[Address] = []
    for wanted in row.others or ():
        same = there.get(wanted.id) or next(
            (each for each in there.values() if (each.kind, each.fields) == (wanted.kind, wanted.fields)), None
        )
        if same is not None:
            del there[same.id]
        taken.append(wanted._replace(id=same.id if same is not None else ids.new("adr")))
    return taken


def _others(text: str) -> list[Address]:
    if not text.strip():
        return []
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError):
        listed = None
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise Wrong(OTHERS, "addresses.form", "it is no JSON list of objects, each an address")
    check_count(OTHERS, len(listed))
    return [_other(each) for each in listed]


def _other(given: Mapping[str, Any]) -> Address:
    texts: dict[str, str] = {}
    for name, value in given.items():
        if name not in ("address_id", "kind", *ADDRESS_FIELDS) or not isinstance(value, str | None):
            raise Wrong(OTHERS, "addresses.form", f"an address has the texts kind, {', '.join(ADDRESS_FIELDS)}")
        texts[name] = value or ""
    kind = checked(OTHERS, texts.pop("kind", ""), "address_kind")
    own = texts.pop("address_id", "")
    fields = {name: checked(OTHERS, text, name) for name, text in texts.items()}
    if kind is None or not any(fields.values()):
        raise Wrong(OTHERS, "addresses.form", "an address needs a kind and a field")
    return Address(own, kind).with_fields(fields)
