"""FIELD=VALUE: what may be set, and what is refused with the codes of a feed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopctl.catalogue.assignments import SETTABLE, Terms, assigned
from shopctl.catalogue.errors import AssignedTwice, BadAssignment, InvalidField, UnknownField
from shopctl.catalogue.model import Price, Product
from shopctl.catalogue.shapes import flat
from support.products import NOW, product

TERMS = Terms("USD", NOW)


def after(*assignments: str, **fields: Any) -> Product:
    return assigned(product(**fields), assignments, TERMS)


@pytest.mark.parametrize(
    ("assignment", "field", "expected"),
    [
        ("name=Blue mug = best", "name", "Blue mug = best"),
        ("description=", "description", ""),
        ("brand=Acme", "brand", "Acme"),
        ("category=Home >Kitchen", "category", "Home > Kitchen"),
        ("categories=Home > Kitchen | Gifts", "categories", ["Home > Kitchen", "Gifts"]),
        ("kind=Bundle", "kind", "bundle"),
        ("tags=a, b;a", "tags", ["a", "b"]),
        ('tags=["x,y"]', "tags", ["x,y"]),
        ("tags=", "tags", []),
        ("tax_class=reduced", "tax_class", "reduced"),
        ("options.Size=L", "options", {"Size": "L", "Colour": "Blue"}),
        ("options.Colour=", "options", {}),
        ("options=Size=L; Colour=Red", "options", {"Size": "L", "Colour": "Red"}),
        ("attributes.weight=5", "attributes", {"material": "clay", "weight": "5"}),
        ('attributes.care={"washer": true}', "attributes", {"material": "clay", "care": {"washer": True}}),
        ("attributes.a.b=c", "attributes", {"material": "clay", "a.b": "c"}),
        ("attributes.material=", "attributes", {}),
        ('attributes={"w": 5}', "attributes", {"w": 5}),
        ("publish_at=2026-12-01", "publish_at", 1_796_083_200_000_000),
        ("publish_at=now", "publish_at", NOW),
        ("publish_at=", "publish_at", None),
        ("parent_sku=MUG", "parent_sku", "MUG"),
        ("media=https://shop.example/a.jpg", "media", [{"alt": "", "url": "https://shop.example/a.jpg"}]),
        ('components=[{"sku": "A"}]', "components", [{"quantity": 1, "sku": "A"}]),
    ],
)
def test_a_field_is_set(assignment: str, field: str, expected: object):
    done = after(assignment, options={"Colour": "Blue"}, attributes={"material": "clay"}, publish_at=1)

    assert getattr(done, field) == expected


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("price=19.99", [Price("EUR", 1999)]),  # sold in euros alone, so euros are meant
        ("price.USD=19.99", [Price("EUR", 500), Price("USD", 1999)]),
        ("price.EUR=4", [Price("EUR", 400)]),
        ("price.EUR=", []),
        ("price.EUR.wholesale=3.50", [Price("EUR", 500), Price("EUR", 350, "wholesale")]),
        ("price.EUR.default.10=4.5", [Price("EUR", 500), Price("EUR", 450, "default", 10)]),
        ("price.JPY=120", [Price("EUR", 500), Price("JPY", 120)]),
        ("price.CHF=", [Price("EUR", 500)]),
        ('prices=[{"currency": "KWD", "amount": "1.234"}]', [Price("KWD", 1234)]),
        ("prices=", []),
    ],
)
def test_prices_are_set_by_their_key(assignment: str, expected: list[Price]):
    assert list(after(assignment, prices=(Price("EUR", 500),)).prices) == expected


def test_several_fields_are_set_at_once():
    done = after("name=Cup", "options.Size=L", "options.Colour=Red", "price.EUR=1", "price.USD=2")

    assert (done.name, done.options, len(done.prices)) == ("Cup", {"Size": "L", "Colour": "Red"}, 2)


@pytest.mark.parametrize(
    ("assignment", "code"),
    [
        ("name=", "name.missing"),
        ("name=  ", "name.missing"),
        ("name=" + "x" * 2001, "field.too_long"),
        ("brand=" + "x" * 256, "field.too_long"),
        ("name=a\0b", "text.invalid"),
        ("description=\ud800", "text.invalid"),
        ("kind=gadget", "kind.unknown"),
        ("price=cheap", "price.invalid"),
        ("price=-1", "price.negative"),
        ("price.JPY=1.5", "price.precision"),
        ("price.XXX=1", "price.currency"),
        ("price.EUR.default.0=1", "price.min_quantity"),
        ("prices=[", "json.invalid"),
        ("publish_at=soon", "date.invalid"),
        ("attributes=[1]", "field.type"),
        ('components=[{"sku": "A", "quantity": 0}]', "components.quantity"),
        ("parent_sku=a\tb", "sku.invalid"),
    ],
)
def test_a_bad_value_is_refused_with_the_code_a_feed_would_get(assignment: str, code: str):
    with pytest.raises(InvalidField) as refused:
        after(assignment)

    assert refused.value.facts["reason_code"] == code
    assert refused.value.exit_code == 12


@pytest.mark.parametrize(
    ("assignment", "hint"),
    [
        ("stock=5", "shopctl stock set"),
        ("status=active", "shopctl catalogue publish"),
        ("sku=X", "SKU stays"),
        ("nmae=x", "Did you mean: name?"),
        ("atributes.color=x", "Did you mean: attributes.color?"),
        ("name.de=x", "There are name"),
        ("version=2", "There are name"),
    ],
)
def test_a_field_that_cannot_be_set_says_what_to_do_instead(assignment: str, hint: str):
    with pytest.raises(UnknownField) as refused:
        after(assignment)

    assert hint in refused.value.advice


def test_what_is_not_an_assignment_is_refused():
    with pytest.raises(BadAssignment):
        after("name")
    with pytest.raises(BadAssignment):
        after("=x")
    with pytest.raises(AssignedTwice):
        after("name=a", "name=b")


def test_every_settable_field_names_a_field_of_a_product():
    assert {field.replace("price", "prices").replace("pricess", "prices") for field in SETTABLE} <= set(Product._fields)


@given(st.lists(st.tuples(st.sampled_from(["EUR", "JPY"]), st.sampled_from(["default", "vip"]), st.integers(1, 20),
                          st.integers(0, 10**9)), max_size=6))  # fmt: skip
def test_prices_shown_by_field_can_be_set_by_field(prices: list[tuple[str, str, int, int]]):
    wanted = product(prices=tuple(Price(currency, amount, name, least) for currency, name, least, amount in
                                  {price[:3]: price for price in prices}.values()))  # fmt: skip
    shown = [f"{field}={value}" for field, value in flat(wanted).items() if field.startswith("price.")]

    assert flat(assigned(product(), shown, TERMS)) == flat(wanted)
