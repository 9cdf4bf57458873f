"""Stock and reservations: counted by location, promised until a moment, handed out once."""

from __future__ import annotations

from typing import Any

import pytest

from shopctl.audit.service import Audit
from shopctl.catalogue.errors import (
    BelowReserved,
    InsufficientStock,
    InvalidField,
    InvalidQuantity,
    ProductNotFound,
    ReservationEnded,
    ReservationNotFound,
    ReservationOver,
)
from shopctl.catalogue.service import CatalogueService
from shopctl.catalogue.stock import StockService
from shopctl.storage.database import Database
from shopctl.storage.errors import TextInvalid
from support.products import HOUR, NOW, add


@pytest.fixture(autouse=True)
def mug(database: Database) -> None:
    with database.unit() as unit:
        add(unit, "MUG-1", stock=10)


def movements(database: Database) -> list[tuple[Any, ...]]:
    with database.read() as unit:
        return unit.tuples("select location, delta, on_hand, cause from stock_movement order by id")


def reserve(database: Database, stock: StockService, quantity: int, until: int = NOW + HOUR, **given: Any) -> str:
    with database.unit() as unit:
        return stock.reserve(unit, "MUG-1", quantity, holder="anna", until=until, **given).id


def test_stock_is_counted_by_location(database: Database, stock: StockService, audit: Audit):
    assert stock.set("MUG-1", 7, location="berlin")["on_hand"] == 7
    assert stock.adjust("MUG-1", -3, location="berlin")["on_hand"] == 4
    assert stock.adjust("MUG-1", 2)["on_hand"] == 12
    assert stock.set("MUG-1", 12)["on_hand"] == 12

    assert stock.show("MUG-1") == {
        "sku": "MUG-1", "on_hand": 16, "reserved": 0, "available": 16,
        "locations": [
            {"location": "berlin", "on_hand": 4, "reserved": 0, "available": 4},
            {"location": "default", "on_hand": 12, "reserved": 0, "available": 12},
        ],
    }  # fmt: skip
    assert stock.show("MUG-1", location="berlin")["available"] == 4
    assert movements(database) == [
        ("berlin", 7, 7, "set"), ("berlin", -3, 4, "adjust"), ("default", 2, 12, "adjust"),
    ]  # fmt: skip
    assert [entry.action for entry in audit.entries(limit=9)] == ["stock.adjust", "stock.adjust", "stock.set"]


def test_stock_never_goes_below_nothing(stock: StockService):
    with pytest.raises(InsufficientStock, match="Only 10 of MUG-1 are left at default, 11"):
        stock.adjust("MUG-1", -11)
    with pytest.raises(InvalidQuantity):
        stock.set("MUG-1", -1)
    with pytest.raises(InvalidQuantity):
        stock.set("MUG-1", 10**30)
    with pytest.raises(InvalidQuantity):
        stock.adjust("MUG-1", 10**15)
    with pytest.raises(InvalidField):
        stock.set("MUG-1", 1, location=" ")
    with pytest.raises(InvalidField):
        stock.set("MUG-1", 1, location="a\0")
    with pytest.raises(ProductNotFound):
        stock.adjust("MUG-2", 1)

    assert stock.show("MUG-1")["on_hand"] == 10


def test_a_dry_run_counts_and_leaves_everything(database: Database, stock: StockService):
    assert stock.set("MUG-1", 3, dry_run=True)["on_hand"] == 3
    assert stock.set("MUG-1", 3, location="new", dry_run=True)["on_hand"] == 3

    assert [level["location"] for level in stock.show("MUG-1")["locations"]] == ["default"]
    assert stock.show("MUG-1")["on_hand"] == 10
    assert movements(database) == []


def test_a_reservation_takes_from_what_is_available(
    database: Database, stock: StockService, catalogue: CatalogueService
):
    reserve(database, stock, 7)

    assert {**catalogue.show("MUG-1")["stock"], "locations": None} == {
        "on_hand": 10, "reserved": 7, "available": 3, "locations": None,
    }  # fmt: skip
    with pytest.raises(InsufficientStock, match="Only 3 of MUG-1") as refused:
        reserve(database, stock, 4)
    assert refused.value.advice == "See who holds the rest with: shopctl stock reservations MUG-1"
    reserve(database, stock, 3)
    assert stock.show("MUG-1")["available"] == 0


def test_a_reservation_past_its_moment_counts_no_longer(database: Database, stock: StockService, turned: Any):
    held = reserve(database, stock, 10)
    turned.time += HOUR - 1
    with pytest.raises(InsufficientStock):
        reserve(database, stock, 1)
    turned.time += 1

    reserve(database, stock, 10, until=turned.time + HOUR)

    assert [(row["state"], row["quantity"]) for row in stock.reservations("MUG-1")] == [("expired", 10), ("held", 10)]
    with pytest.raises(InsufficientStock), database.unit() as unit:
        stock.fulfil(unit, held)


def test_one_place_does_not_lend_to_another(database: Database, stock: StockService):
    with pytest.raises(InsufficientStock, match="Only 0 of MUG-1 are left at berlin"):
        reserve(database, stock, 1, location="berlin")


@pytest.mark.parametrize(
    ("quantity", "said"), [(0, "one piece or more"), (-1, "one piece or more"), (10**16, "too large")]
)
def test_a_reservation_is_of_a_piece_or_more(database: Database, stock: StockService, quantity: int, said: str):
    with pytest.raises(InvalidQuantity, match=said):
        reserve(database, stock, quantity)


@pytest.mark.parametrize("given", [{"holder": "n\0ul"}, {"holder": "half \ud800"}, {"location": "a\0"}])
def test_what_one_database_could_not_keep_both_refuse(database: Database, stock: StockService, given: dict[str, str]):
    with pytest.raises(TextInvalid) as refused, database.unit() as unit:
        stock.reserve(unit, "MUG-1", 1, until=NOW + HOUR, **{"holder": "anna", **given})

    assert refused.value.exit_code == 12
    assert next(iter(given)) in refused.value.message


@pytest.mark.parametrize("until", [NOW, NOW - HOUR])
def test_nothing_is_reserved_until_a_moment_that_is_over(database: Database, stock: StockService, until: int):
    with pytest.raises(ReservationOver):
        reserve(database, stock, 1, until=until)
    assert stock.reservations() == []


def test_what_is_promised_cannot_be_counted_away(database: Database, stock: StockService):
    reserve(database, stock, 7)

    with pytest.raises(BelowReserved, match="7 of MUG-1 are reserved at default; its stock cannot become 6"):
        stock.set("MUG-1", 6)
    with pytest.raises(BelowReserved):
        stock.adjust("MUG-1", -4)
    assert stock.adjust("MUG-1", -3)["available"] == 0
    with database.unit() as unit:  # as a feed may count it
        unit.execute("update stock set on_hand = 2")
    assert stock.set("MUG-1", 3)["on_hand"] == 3


def test_fulfilling_takes_from_the_stock_once(database: Database, stock: StockService, turned: Any):
    held = reserve(database, stock, 4)
    for _ in range(2):
        with database.unit() as unit:
            assert stock.fulfil(unit, held).state == "fulfilled"

    assert (stock.show("MUG-1")["on_hand"], stock.show("MUG-1")["reserved"]) == (6, 0)
    assert movements(database) == [("default", -4, 6, "fulfilled")]
    with pytest.raises(ReservationEnded), database.unit() as unit:
        stock.release(unit, [held])


def test_an_expired_reservation_is_fulfilled_while_nobody_else_was_promised_it(
    database: Database, stock: StockService, turned: Any
):
    held = reserve(database, stock, 6)
    turned.time += 2 * HOUR
    reserve(database, stock, 4, until=turned.time + HOUR)
    with database.unit() as unit:
        stock.fulfil(unit, held)

    assert stock.show("MUG-1")["available"] == 0


def test_a_release_gives_back_and_may_be_repeated(database: Database, stock: StockService, audit: Audit):
    held = [reserve(database, stock, quantity) for quantity in (1, 2, 3)]

    with pytest.raises(ReservationNotFound, match="'rsv_x', 'rsv_y'"):
        stock.release_by_hand([held[0], "rsv_x", "rsv_y"])
    assert stock.show("MUG-1")["reserved"] == 6
    assert stock.release_by_hand(held[:2], dry_run=True)[0]["state"] == "released"
    assert [row["quantity"] for row in stock.release_by_hand(held[:2])] == [1, 2]
    assert stock.release_by_hand(held[:2]) == []
    with pytest.raises(ReservationEnded), database.unit() as unit:
        stock.fulfil(unit, held[0])

    assert stock.show("MUG-1")["reserved"] == 3
    assert [(entry.action, entry.changed) for entry in audit.entries(limit=9)] == [("stock.release", 2)]


def test_what_has_expired_is_released_in_one_go(database: Database, stock: StockService, turned: Any):
    stock.set("MUG-1", 5, location="berlin")
    for location, until in (("berlin", NOW + 1), ("default", NOW + 1), ("default", NOW + HOUR)):
        reserve(database, stock, 2, until=until, location=location)
    turned.time += 1

    assert [row["location"] for row in stock.release_by_hand(expired=True, location="berlin")] == ["berlin"]
    assert [row["location"] for row in stock.release_by_hand(expired=True)] == ["default"]
    assert [row["state"] for row in stock.reservations()] == ["held"]
    [left] = stock.reservations("MUG-1", location="default")
    with pytest.raises(ReservationNotFound, match="at berlin"):
        stock.release_by_hand([left["reservation_id"]], location="berlin")


def test_stock_of_a_moment_that_has_passed(
    database: Database, stock: StockService, catalogue: CatalogueService, turned: Any
):
    for quantity in (7, 12):
        turned.time += HOUR
        stock.set("MUG-1", quantity)
    turned.time += HOUR

    counts = [catalogue.show("MUG-1", at=NOW + hours * HOUR)["stock"]["on_hand"] for hours in (0, 1, 2)]
    assert counts == [10, 7, 12]
