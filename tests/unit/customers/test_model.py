"""Customers without a database: defaults, assignments and rows."""

from __future__ import annotations

import json

import pytest

from shopctl.customers import assignments, rows
from shopctl.customers.checks import Wrong
from shopctl.customers.errors import AddressNotFound, AssignedTwice, BadAssignment, PaymentMethodNotFound, UnknownField
from shopctl.customers.model import Address, Customer, PaymentMethod, Profile
from shopctl.customers.rows import COLUMNS, applied, said

BARE = Profile(Customer.bare("C-1", 1))
HOME = Address("adr_1", "shipping", street="Hauptstr. 1", city="Berlin", default=True)
WORK = Address("adr_2", "shipping", city="Bonn")
BILL = Address("adr_3", "billing", city="Ulm", default=True)
CARD = PaymentMethod("cpm_1", "stripe", "pm_1234567890", "card", "Visa ending in 4242", "2029-04", True)
FULL = Profile(
    Customer("C-1", "active", "Anna", "anna@example.org", "+4930123", "de", "DE", None, 1, 1, 1),
    (HOME, WORK, BILL),
    (CARD, CARD._replace(id="cpm_2", token="pm_2", default=False)),
)


def set_(profile: Profile, *texts: str) -> Profile:
    return assignments.assigned(profile, assignments.split(texts))


def test_each_kind_of_address_has_one_default() -> None:
    assert FULL.with_addresses([WORK, BILL]).addresses == (WORK._replace(default=True), BILL)
    assert FULL.with_addresses(FULL.addresses, default="adr_2").default_address("shipping") == WORK._replace(
        default=True
    )
    assert FULL.with_addresses([HOME, BILL, Address("adr_4", "shipping")]).addresses == (HOME, BILL)
    assert FULL.with_addresses(reversed(FULL.addresses)) == FULL


def test_a_default_that_goes_leaves_another_one() -> None:
    after = set_(FULL, "shipping=", "payment_method.cpm_1=")

    assert after.default_address("shipping") == WORK._replace(default=True)
    assert [(each.id, each.default) for each in after.payment_methods] == [("cpm_2", True)]


def test_fields_are_set_and_taken_away() -> None:
    after = set_(
        FULL, "name=", "country=at", "user=usr_01m8g6vm92fmbadycx1k327kwf", "shipping.city=Köln", "billing.country=at",
        "address.adr_2.name=Anna", "address.adr_2.default=true", "payment_method.cpm_2.default=yes",
        "payment_method.cpm_1.label=",
    )  # fmt: skip

    assert after.customer[2:8] == (None, "anna@example.org", "+4930123", "de", "AT", "usr_01m8g6vm92fmbadycx1k327kwf")
    assert [(each.id, each.city, each.name, each.default) for each in after.addresses[:2]] == [
        ("adr_1", "Köln", None, False),
        ("adr_2", "Bonn", "Anna", True),
    ]
    assert [(each.label, each.default) for each in after.payment_methods] == [
        (None, False),
        ("Visa ending in 4242", True),
    ]
    assert after.differences(FULL) == ["name", "country", "user_id", "addresses", "payment_methods"]


def test_an_address_is_made_by_its_first_field_and_gone_with_its_last() -> None:
    made = set_(BARE, "billing.city=Ulm", "billing.postal_code=89073")
    assert [each.fields["city"] for each in made.addresses if each.default] == ["Ulm"]
    assert set_(made, "billing.city=", "billing.postal_code=").addresses == ()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("name", BadAssignment),
        ("=x", BadAssignment),
        ("nam=x", UnknownField),
        ("name.first=x", UnknownField),
        ("id=x", UnknownField),
        ("state=erased", UnknownField),
        ("token=pm_1", UnknownField),
        ("shipping=x", UnknownField),
        ("shipping.planet=x", UnknownField),
        ("shipping.default=true", UnknownField),
        ("shipping.city.x=y", UnknownField),
        ("address.adr_9.city=x", AddressNotFound),
        ("address=", AddressNotFound),
        ("address.adr_1=x", UnknownField),
        ("address.adr_1.id=x", UnknownField),
        ("payment_method.cpm_9=", PaymentMethodNotFound),
        ("payment_method.cpm_1.token=x", UnknownField),
        ("country=UK", Wrong),
    ],
)
def test_what_cannot_be_set_is_refused(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        set_(FULL, text)


def test_a_field_is_given_once() -> None:
    with pytest.raises(AssignedTwice):
        assignments.split(["name=a", "name=b"])


@pytest.mark.assure("S18")
def test_a_token_is_never_shown_whole() -> None:
    assert "pm_1234567890" not in json.dumps(FULL.as_dict())
    assert FULL.as_dict()["payment_methods"][0]["token"] == "…7890"
    assert FULL.as_dict()["payment_methods"][1]["token"] == "…", "of a short one four would be most of it"


def row(profile: Profile) -> dict[str, str]:
    """What an exported file says of a customer."""
    return {
        name: "" if value in (None, []) else value if isinstance(value, str) else json.dumps(value)
        for name, value in rows.cells(profile).items()
    }


def test_a_row_of_all_columns_says_a_customer_exactly() -> None:
    exported = row(FULL)
    assert tuple(exported) == COLUMNS
    assert applied(said(exported), FULL, customer_id="C-1", now=2) == FULL

    elsewhere = applied(said(exported), None, customer_id="C-1", now=2)
    again = applied(said(exported), elsewhere, customer_id="C-1", now=3)
    assert again == elsewhere, "addresses are known again by what they say"
    assert rows.cells(elsewhere) | {"other_addresses": []} == rows.cells(FULL) | {"other_addresses": []}


def test_a_column_that_is_not_there_leaves_what_is_stored_and_an_empty_cell_takes_it_away() -> None:
    after = applied(said({"customer_id": "C-1", "phone": "", "shipping_city": "Köln"}), FULL, customer_id="C-1", now=2)

    assert after == FULL._replace(
        customer=FULL.customer._replace(phone=None), addresses=(HOME._replace(city="Köln"), WORK, BILL)
    )
    assert applied(said({"customer_id": "C-1", "other_addresses": ""}), FULL, customer_id="C-1", now=2) == (
        FULL._replace(addresses=(HOME, BILL))
    )


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "Anna"}, "customer_id"),
        ({"customer_id": "anna@example.org"}, "customer_id"),
        ({"customer_id": "1", "shipping_country": "UK"}, "shipping_country"),
        ({"customer_id": "1", "user": "anna"}, "user"),
        ({"customer_id": "1", "other_addresses": "Berlin"}, "other_addresses"),
        ({"customer_id": "1", "other_addresses": "[" * 5000}, "other_addresses"),
        ({"customer_id": "1", "other_addresses": '{"city":"Ulm"}'}, "other_addresses"),
        ({"customer_id": "1", "other_addresses": '[{"city":"Ulm"}]'}, "other_addresses"),
        ({"customer_id": "1", "other_addresses": '[{"kind":"shipping"}]'}, "other_addresses"),
        ({"customer_id": "1", "other_addresses": '[{"kind":"shipping","planet":"Mars"}]'}, "other_addresses"),
        ({"customer_id": "1", "other_addresses": '[{"kind":"shipping","city":["Ulm"]}]'}, "other_addresses"),
        ({"customer_id": "1", "other_addresses": '[{"kind":"shipping","city":"4111 1111 1111 1111"}]'},
         "other_addresses"),
        ({"customer_id": "1", "other_addresses": json.dumps([{"kind": "billing", "city": "Ulm"}] * 41)},
         "other_addresses"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_names_its_field(values: dict[str, str], field: str) -> None:
    with pytest.raises(Wrong) as wrong:
        said(values)
    assert wrong.value.field == field
