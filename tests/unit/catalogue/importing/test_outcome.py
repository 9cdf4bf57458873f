"""What a feed row does to a product: the rule, without a database."""

from __future__ import annotations

from typing import Any

import pytest

from shopctl.catalogue.feed.row import DEFAULTS, FIELDS, FeedRow
from shopctl.catalogue.importing.current import COLUMNS, Current
from shopctl.catalogue.importing.outcome import creation_values, outcome, with_extra

PRICE = ("USD", 100, "default", 1, 0, None)


def row(**given: Any) -> FeedRow:
    values = {"line": 2, "hash": 7, "sku": "A"} | given
    return tuple(values.get(name, ...) for name in FIELDS)


def current(**given: Any) -> Current:
    fields = dict(zip(FIELDS, DEFAULTS, strict=True)) | {"sku": "A", "name": "Mug"} | given
    return Current(
        id=1, version=3, values=tuple(fields[name] for name in COLUMNS), prices=given.get("prices", {}),
        stock=given.get("stock", {}), fed_stock=given.get("fed_stock", {}), status_before=given.get("status_before"),
    )  # fmt: skip


def test_what_is_not_given_stays():
    found = outcome(row(), current(brand="Acme", prices={("USD", "default", 1, 0): (100, None)}, stock={"default": 3}))

    assert not found.changed
    assert not found.replaced


def test_a_change_knows_what_it_replaced():
    found = outcome(row(name="Cup", brand="Acme"), current())

    assert found.replaced == {"name": "Mug", "brand": ""}


@pytest.mark.parametrize(
    ("said", "before", "on_hand", "applied"),
    [
        (5, None, None, {"default": 5}),  # a first word on it
        (5, None, 3, {"default": 5}),  # to this feed it is new
        (5, 5, 3, {}),  # two were sold since
        (6, 5, 3, {"default": 6}),
        (3, 5, 3, {}),  # it says what is known already
        (0, 5, 3, {"default": 0}),
    ],
)
def test_stock_is_applied_where_the_feed_says_something_new(said, before, on_hand, applied):
    levels = {} if on_hand is None else {"default": on_hand}
    fed = {} if before is None else {"default": before}
    found = outcome(row(stock=(("default", said),)), current(stock=levels, fed_stock=fed))

    assert found.stock == applied
    assert found.fed_stock == {"default": said}
    assert found.changed is bool(applied)
    assert not found.replaced, "stock makes no version"


def test_single_prices_are_added_and_whole_lists_replace():
    before = {("EUR", "default", 1, 0): (90, None)}
    added = outcome(row(prices=(PRICE,), prices_whole=False), current(prices=before))
    whole = outcome(row(prices=(PRICE,), prices_whole=True), current(prices=before))

    assert added.prices == before | {("USD", "default", 1, 0): (100, None)}
    assert whole.prices == {("USD", "default", 1, 0): (100, None)}
    assert added.replaced == whole.replaced == {"prices": before}


def test_single_attributes_are_merged_and_null_takes_one_away():
    assert with_extra('{"a":1,"b":2}', '{"b":null,"c":[3]}') == '{"a":1,"c":[3]}'
    assert outcome(row(extra='{"b":2}'), current(attributes='{"a":1}')).replaced == {"attributes": '{"a":1}'}
    assert not outcome(row(extra='{"a":1}'), current(attributes='{"a":1}')).changed


def test_a_new_product_takes_the_defaults_and_its_sku_for_a_name():
    created = dict(zip(COLUMNS, creation_values(row(extra='{"a":1,"b":null}')), strict=True))

    assert (created["name"], created["kind"], created["status"]) == ("A", "physical", "active")
    assert created["attributes"] == '{"a":1}'


def test_a_product_retired_for_being_gone_is_back_as_what_it_was():
    assert outcome(row(), current(status="retired", status_before="draft")).values[COLUMNS.index("status")] == "draft"
    assert not outcome(row(), current(status="retired")).changed
    given = outcome(row(status="retired"), current(status="retired", status_before="active"))
    assert not given.changed
