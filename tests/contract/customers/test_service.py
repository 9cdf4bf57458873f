"""Customers on both databases: what is kept, what only one can have, and what nobody reads in the rows."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from contract.customers.conftest import ANNA, People
from shopctl.customers.errors import (
    CardNumber,
    CustomerErased,
    CustomerExists,
    CustomerNotFound,
    EmailTaken,
    InvalidField,
    TokenTaken,
    UserTaken,
)
from shopctl.customers.queries import Filters
from shopctl.kernel.errors import NotFound, ShopctlError
from shopctl.storage.database import open_database

FIELDS = [
    "name=Anna Muster", "email=Anna@example.org", "phone=+49 30 123456", "language=de", "country=DE", "user=anna",
    "shipping.street=Hauptstr. 1", "shipping.city=Berlin", "billing.city=Ulm",
]  # fmt: skip


def test_a_customer_is_shown_as_he_was_added(people: People) -> None:
    made = people.service.add(FIELDS, customer_id="C-1")

    assert people.service.show("C-1") == made
    assert people.service.show("ANNA@example.org") == made
    assert list(made) == [
        "customer_id", "state", "name", "email", "phone", "language", "country", "user_id", "addresses",
        "payment_methods", "version", "created_at", "updated_at",
    ]  # fmt: skip
    assert list(made["addresses"][0]) == [
        "address_id", "kind", "name", "company", "street", "city", "region", "postal_code", "country", "default",
    ]  # fmt: skip
    assert (made["user_id"], made["version"], made["state"]) == (ANNA, 1, "active")
    assert people.service.add()["customer_id"].startswith("cus_")


def test_what_is_set_is_set_and_the_same_again_changes_nothing(people: People) -> None:
    people.service.add(FIELDS, customer_id="C-1")
    changed = people.service.set("C-1", ["email=anna@example.com", "phone=", "shipping.city=Bonn"])

    assert (changed["email"], changed["phone"], changed["version"]) == ("anna@example.com", None, 2)
    assert [each["city"] for each in changed["addresses"]] == ["Bonn", "Ulm"]
    assert people.service.set("C-1", ["email=anna@example.com", "phone="]) == changed
    with pytest.raises(CustomerNotFound):
        people.service.show("anna@example.org")
    assert people.actions() == [
        ("customer.add", "C-1",
         '{"fields":["name","email","phone","language","country","user_id","addresses"]}'),
        ("customer.set", "C-1", '{"fields":["email","phone","addresses"]}'),
    ]  # fmt: skip


def test_further_addresses_and_payment_methods(people: People) -> None:
    people.service.add(FIELDS, customer_id="C-1")
    one = people.service.add_address("C-1", "shipping", ["city=Bonn"])
    two = people.service.add_address("C-1", "shipping", ["city=Köln"], default=True)
    assert [(each["city"], each["default"]) for each in one["addresses"]] == [
        ("Berlin", True), ("Ulm", True), ("Bonn", False),
    ]  # fmt: skip
    assert [each["city"] for each in two["addresses"] if each["default"]] == ["Ulm", "Köln"]

    people.service.add_payment_method("C-1", "pm_1234567890", gateway="stripe", label="Visa", expires="2029-04")
    people.service.add_payment_method("C-1", "pm_2234567890", gateway="stripe", kind="debit", default=True)
    again = people.service.add_payment_method("C-1", "pm_1234567890", gateway="stripe", expires="2031-04")
    assert [(m["label"], m["kind"], m["expires"], m["default"]) for m in again["payment_methods"]] == [
        ("Visa", "card", "2031-04", False),
        (None, "debit", None, True),
    ]
    method = again["payment_methods"][1]["payment_method_id"]
    gone = people.service.set("C-1", [f"payment_method.{method}=", f"address.{two['addresses'][3]['address_id']}="])
    assert [each["default"] for each in gone["payment_methods"]] == [True]
    assert people.service.show("C-1") == gone


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda s: s.add(customer_id="C-1"), CustomerExists),
        (lambda s: s.add(["email=ANNA@EXAMPLE.ORG"]), EmailTaken),
        (lambda s: s.set("C-2", ["email=anna@example.org"]), EmailTaken),
        (lambda s: s.add(["user=anna"]), UserTaken),
        (lambda s: s.set("C-2", [f"user={ANNA}"]), UserTaken),
        (lambda s: s.set("C-2", ["user=nobody"]), NotFound),
        (lambda s: s.set("C-3", ["name=x"]), CustomerNotFound),
        (lambda s: s.set("C-2", ["country=UK"]), InvalidField),
        (lambda s: s.set("C-2", ["name=4111 1111 1111 1111"]), CardNumber),
        (lambda s: s.add_address("C-2", "shipping", ["street=4111111111111111"]), CardNumber),
        (lambda s: s.add_address("C-2", "shipping", []), InvalidField),
        (lambda s: s.add_payment_method("C-2", "4111111111111111", gateway="stripe"), CardNumber),
        (lambda s: s.add_payment_method("C-2", "pm_2", gateway="stripe", label="4111111111111111"), CardNumber),
        (lambda s: s.add_payment_method("C-2", "pm_1", gateway="stripe"), TokenTaken),
        (lambda s: s.add_payment_method("C-2", "pm 1", gateway="stripe"), InvalidField),
        (lambda s: s.add_payment_method("C-2", "pm_2", gateway="stripe", expires="04/29"), InvalidField),
        (lambda s: s.add(customer_id="anna@example.net"), InvalidField),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    people: People, call: Callable[[Any], Any], error: type[ShopctlError]
) -> None:
    people.service.add(FIELDS, customer_id="C-1")
    people.service.add_payment_method("C-1", "pm_1", gateway="stripe")
    people.service.add(["email=bert@example.org"], customer_id="C-2")
    before = people.stored()

    with pytest.raises(error) as refused:
        call(people.service)

    assert people.stored() == before
    assert "4111" not in str(refused.value) + refused.value.advice


def test_customers_are_listed_by_what_they_are(people: People) -> None:
    people.service.add(FIELDS, customer_id="A")
    people.service.add(["email=bert@example.org", "country=FR"], customer_id="C")
    people.service.add(customer_id="B")
    people.service.erase("B")

    def listed(filters: Filters = Filters(), **how: int) -> str:  # noqa: B008 - a constant
        return "".join(row["customer_id"] for row in people.service.list(filters, **how))

    assert listed() == "ABC"
    assert listed(limit=1, offset=1) == "B"
    assert listed(Filters(country="FR")) == "C"
    assert listed(Filters(email="ANNA@example.org")) == "A"
    assert listed(Filters(state="erased")) == "B"
    assert listed(Filters(state="erased", country="FR")) == ""


def test_an_unknown_customer_is_ensured_as_a_bare_one(people: People) -> None:
    with people.database.unit() as unit:
        assert people.service.ensure(unit, "C-9").state == "active"
        assert people.service.ensure(unit, "C-9").version == 1
        for customer_id, error in (("4111111111111111", CardNumber), ("anna@example.org", InvalidField)):
            with pytest.raises(error):
                people.service.ensure(unit, customer_id)
    assert people.actions() == [("customer.add", "C-9", '{"fields":[]}')]
    people.service.erase("C-9")
    with people.database.unit() as unit, pytest.raises(CustomerErased):
        people.service.ensure(unit, "C-9")


@pytest.mark.assure("S15", "S18")
def test_nothing_personal_can_be_read_in_the_rows_or_in_the_trail(people: People) -> None:
    people.service.add(FIELDS, customer_id="C-1")
    people.service.set("C-1", ["name=Anna Beispiel", "shipping.company=ACME"])
    people.service.add_address("C-1", "billing", ["street=Nebenstr. 2"])
    people.service.add_payment_method("C-1", "pm_1234567890", gateway="stripe", label="Visa ending in 4242")
    people.import_("customer_id,email,shipping_city\nC-1,anna@example.com,Hagen\n")
    people.service.erase("C-1")
    with people.database.read() as unit:
        trail = repr(unit.tuples("select * from audit_entry"))
    people.service.add(FIELDS, customer_id="C-2")

    for text in ("Anna", "example", "30123456", "123456", "Haupt", "Neben", "Berlin", "Hagen", "ACME", "pm_", "4242"):
        assert text not in people.stored().replace("os:anna", "")
        assert text not in trail.replace("os:anna", "")


def test_two_who_take_the_same_address_at_once_are_told_apart(people: People, keks: Any, turned: Any) -> None:
    results: list[str] = []
    gate = threading.Barrier(2)

    def add(number: int) -> None:
        url = getattr(people.database, "url", None) or f"sqlite:///{people.database.place}"
        with closing(open_database(url)) as database:
            other = People(database, people.folder, turned, keks)
            gate.wait()
            try:
                other.service.add(["email=anna@example.org"], customer_id=f"C-{number}")
                results.append("added")
            except EmailTaken:
                results.append("taken")

    threads = [threading.Thread(target=add, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["added", "taken"]


@pytest.mark.assure("S18")
def test_what_is_shown_has_no_whole_token(people: People) -> None:
    people.service.add(customer_id="C-1")
    shown = people.service.add_payment_method("C-1", "pm_1234567890", gateway="stripe")

    assert "pm_1234567890" not in json.dumps([shown, people.service.show("C-1")])
    assert shown["payment_methods"][0]["token"] == "…7890"
