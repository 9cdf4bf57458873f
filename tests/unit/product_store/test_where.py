"""Conditions on instances as people write them, and attributes in SQL."""

from __future__ import annotations

from typing import Any

import pytest

from shopctl.product_store.attributes import indexes_wanted, value_sql
from shopctl.product_store.checks import LARGEST, checked_id, checked_name, checked_object
from shopctl.product_store.errors import BadAttribute, BadInstanceCondition, InvalidInstance
from shopctl.product_store.where import Condition, Filters, parsed
from unit.product_store.test_model import HOST


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("configuration.region=eu", ("configuration", ("region",), "=", "eu")),
        (" configuration.network.zone != 'a b' ", ("configuration", ("network", "zone"), "!=", "a b")),
        ("customisation.engraving=", ("customisation", ("engraving",), "=", "")),
        ("configuration.x=a=b", ("configuration", ("x",), "=", "a=b")),
        ("configuration.Größe=5", ("configuration", ("Größe",), "=", "5")),
        ("customer=C-1", ("customer_id", (), "=", "C-1")),
        ("state!=terminated", ("state", (), "!=", "terminated")),
    ],
)
def test_a_condition_is_read(text: str, condition: tuple[Any, ...]) -> None:
    assert parsed([text]) == (condition,)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("region", "compares nothing"),
        ("region=eu", "region is no field"),
        ("=eu", "nothing is no field"),
        ("configuration=eu", "configuration is no field"),
        ("configuration.=eu", "no field"),
        ("configuration.a'b=1", "cannot name an attribute"),
        ('configuration.a"b=1', "cannot name an attribute"),
        ("configuration.a..b=1", "cannot name an attribute"),
        ("configuration.a:b=1", "cannot name an attribute"),
        ("state=pendingActive", "a state is one of created, pending_active"),
        ("sku=\0", "characters that no text has"),
        ("seats>5", "compares nothing"),
    ],
)
def test_what_is_no_condition_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(BadInstanceCondition, match=reason) as refused:
        parsed([text])
    assert refused.value.exit_code == 2


def test_filters_are_conditions_too() -> None:
    filters = Filters(customer="C-1", where=parsed(["configuration.region=eu"]))
    assert [condition.column for condition in filters.conditions()] == ["customer_id", "configuration"]


@pytest.mark.parametrize(
    ("value", "text", "holds"),
    [("eu", "eu", True), (5, "5", True), (True, "true", True), (None, "", True), ("5", "5", True), (1, "true", False),
     ({"a": 1}, '{"a":1}', True)],
)  # fmt: skip
def test_a_condition_holds_by_what_json_writes(value: Any, text: str, holds: bool) -> None:
    host = HOST._replace(configuration={"x": value})
    assert Condition("configuration", ("x",), "=", text).holds(host) is holds
    assert Condition("configuration", ("x",), "!=", text).holds(host) is not holds
    assert not Condition("configuration", ("x", "y"), "=", "eu").holds(host)


def test_an_index_has_a_name_of_its_own_that_fits() -> None:
    names = ["region", "network.zone", "network_zone", "Größe", "x" * 60]
    wanted = indexes_wanted([*names, "region"])
    assert len(wanted) == len(names)
    assert all(len(name) < 64 and name.isascii() and name == name.lower() for name in wanted)
    for bad in ("", "a'b", "a.", "a b:c"):
        with pytest.raises(BadAttribute):
            indexes_wanted([bad])


def test_an_attribute_in_sql_stands_between_quotes() -> None:
    assert (
        value_sql("sqlite", "configuration", ("a", "b c"))
        == """trim(nullif(configuration -> '$."a"."b c"', 'null'), '"')"""
    )
    assert "'a', 'b c'" in value_sql("postgres", "configuration", ("a", "b c"))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([], "no JSON object"),
        ("x", "no JSON object"),
        ({1: 2}, "keys must be texts"),
        ({"a": "\0"}, "no sound text"),
        ({"\ud800": 1}, "no sound text"),
        ({"a": [{"b": "\udfff"}]}, "no sound text"),
        ({"a": float("nan")}, "no number"),
        ({"a": float("inf")}, "no number"),
        ({"a": {1, 2}}, "knows no set"),
        ({"a": "x" * LARGEST}, "at most 262,144"),
    ],
)
def test_what_one_of_the_databases_could_not_keep_is_refused(value: Any, reason: str) -> None:
    with pytest.raises(InvalidInstance, match=reason) as refused:
        checked_object("configuration", value)
    assert refused.value.exit_code == 12
    assert refused.value.message.isprintable()


def test_an_object_that_is_too_deep_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"a": deep}
    with pytest.raises(InvalidInstance, match="nested"):
        checked_object("configuration", deep)


def test_names_and_ids_are_sound() -> None:
    assert checked_name("sku", "HOST-1") == "HOST-1"
    for bad in ("", "x" * 201, "a\0", None, 5):
        with pytest.raises(InvalidInstance):
            checked_name("sku", bad)
    for bad in ("ins_1", "cus_01m8g6vm92fmbadycx1k327kwf", None):
        with pytest.raises(InvalidInstance):
            checked_id(bad)
