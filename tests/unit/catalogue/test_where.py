"""Conditions as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopctl.catalogue.engines.errors import BadCondition
from shopctl.catalogue.where import Condition, minor_units, parsed


@pytest.mark.parametrize(
    ("text", "field", "operator", "value", "key"),
    [
        ("price<20", "price", "<", "20", ""),
        (" price <= 19.99 ", "price", "<=", "19.99", ""),
        ("stock>0", "stock", ">", "0", ""),
        ("Brand=Acme", "brand", "=", "Acme", ""),
        ("brand='Acme & Sons'", "brand", "=", "Acme & Sons", ""),
        ('brand="<b>"', "brand", "=", "<b>", ""),
        ("category=Home > Kitchen", "category", "=", "Home > Kitchen", ""),
        ("brand=", "brand", "=", "", ""),
        ("tags!=sale", "tag", "!=", "sale", ""),
        ("status=Draft", "status", "=", "draft", ""),
        ("kind!=digital", "kind", "!=", "digital", ""),
        ("attributes.color=red", "fact", "=", "red", "color"),
        ("options.Size=M", "fact", "=", "M", "Size"),
        ("weight>=1.5", "fact", ">=", "1.5", "weight"),
        ("attributes.brand=Acme", "fact", "=", "Acme", "brand"),
        ("note=a=b", "fact", "=", "a=b", "note"),
    ],
)
def test_a_condition_is_read(text, field, operator, value, key):
    found = parsed(text)

    assert (found.field, found.operator, found.value, found.key) == (field, operator, value, key)


@pytest.mark.parametrize(
    "text",
    [
        "", "price", "=20", "price<", "price<cheap", "price<1e5", "price=<20", "price==20", "price<>20", "stock>many",
        "brand<Acme", "kind=thing", "status=sold", "category>Home", "weight>heavy", "price<nan", "price<1_000",
    ],
)  # fmt: skip
def test_what_is_no_condition_is_refused_and_the_form_shown(text):
    with pytest.raises(BadCondition) as refused:
        parsed(text)

    assert refused.value.exit_code == 2
    assert "=" in refused.value.advice or ":" in refused.value.advice


@given(st.text(max_size=300))
def test_nothing_but_a_usage_error_comes_of_any_text(text):
    try:
        found = parsed(text)
    except BadCondition:
        return

    assert found.field


@pytest.mark.parametrize(
    ("operator", "value", "exponent", "says"),
    [
        ("<", "20", 2, ("<", 2000)),
        ("<", "19.999", 2, ("<", 2000)),
        ("<=", "19.999", 2, ("<=", 1999)),
        (">", "19.999", 2, (">", 1999)),
        (">=", "19.999", 2, (">=", 2000)),
        ("=", "19.99", 2, ("=", 1999)),
        ("=", "19.999", 2, False),
        ("!=", "19.999", 2, True),
        ("<", "-0.001", 2, ("<", 0)),
        (">=", "0.5", 0, (">=", 1)),
        ("<", "999999999999999999", 4, True),
        (">", "999999999999999999", 4, False),
        (">", "-999999999999999999", 4, True),
        ("=", "999999999999999999", 4, False),
    ],
)
def test_an_amount_between_two_cents_is_compared_exactly(operator, value, exponent, says):
    assert minor_units(Condition("price", operator, value), exponent) == says
