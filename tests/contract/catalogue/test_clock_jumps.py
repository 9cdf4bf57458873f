"""A clock that is wrong for a while: what falls due is told once and found at its time, pieces are handed out once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contract.conftest import Turned
from shopctl.catalogue import due
from shopctl.catalogue.errors import InsufficientStock, ReservationEnded
from shopctl.catalogue.searching import SearchRequest, SearchService
from shopctl.catalogue.service import CatalogueService
from shopctl.catalogue.stock import StockService
from shopctl.storage.database import Database
from support.products import HOUR, NOW, add

DAY = 24 * HOUR
JUMPS = pytest.mark.parametrize(
    "jump", [HOUR, -HOUR, DAY, -DAY], ids=["hour ahead", "hour behind", "day ahead", "day behind"]
)


@contextmanager
def wrong(turned: Turned, jump: int) -> Iterator[None]:
    """The clock is wrong by `jump` until the end."""
    turned.time += jump
    yield
    turned.time -= jump


@pytest.mark.assure("R9")
@JUMPS
def test_each_moment_is_told_once_and_found_at_its_time(
    database: Database, catalogue: CatalogueService, turned: Turned, tmp_path: Path, jump: int
) -> None:
    search = SearchService(database, turned, engine="tantivy", folder=tmp_path / "index", currency="USD")
    half = HOUR // 2
    with database.unit() as unit:
        add(unit, "SALE", prices=[("USD", 500), ("USD", 400, "default", 1, NOW + half, NOW + 3 * half)])
        add(unit, "SOON", status="draft", publish_at=NOW + half, retire_at=NOW + 3 * half, prices=[("USD", 900)])

    def offered() -> dict[str, str]:
        return {hit["sku"]: hit["price"]["amount"] for hit in search.search(SearchRequest("mug"))["hits"]}

    before, during, after = {"SALE": "5.00"}, {"SALE": "4.00", "SOON": "9.00"}, {"SALE": "5.00"}
    assert offered() == before
    with wrong(turned, jump):
        assert offered() == (before if jump < 0 else during if jump == HOUR else after)
        catalogue.edit("SALE", ["brand=Edited by the wrong clock"])
    for hours, expected in ((0, before), (half, during), (HOUR, during), (3 * half, after), (DAY, after)):
        turned.time = NOW + hours
        assert offered() == expected
        with wrong(turned, jump):
            due.tell(database, turned)
        assert offered() == expected

    with database.read() as unit:
        told = unit.tuples("select product_id, at from change where kind like '%_due' order by product_id, at")
        assert unit.value("select count(*) from product where due_at is not null") == 0
    assert told == [(product, NOW + moment) for product in (1, 2) for moment in (half, 3 * half)]


@pytest.mark.assure("R9")
@JUMPS
def test_pieces_are_handed_out_once(database: Database, stock: StockService, turned: Turned, jump: int) -> None:
    with database.unit() as unit:
        add(unit, "MUG-1", stock=10)

    def reserve(quantity: int) -> str:
        with database.unit() as unit:
            return stock.reserve(unit, "MUG-1", quantity, holder="anna", until=turned.time + HOUR // 2).id

    def fulfil(*reservations: str) -> int:
        pieces = 0
        for reservation in reservations:
            try:
                with database.unit() as unit:
                    pieces += stock.fulfil(unit, reservation).quantity
            except (InsufficientStock, ReservationEnded):
                pass
        return pieces

    first = reserve(7)
    with wrong(turned, jump):
        if jump < 0:
            with pytest.raises(InsufficientStock):
                reserve(7)
            second = reserve(3)
        else:
            second = reserve(7)  # by that clock the first is over
    shown = stock.show("MUG-1")
    assert 0 <= shown["available"] <= 3
    with pytest.raises(InsufficientStock):
        reserve(shown["available"] + 1)

    handed_out = fulfil(first, second)

    assert handed_out == (10 if jump < 0 else 7)
    assert stock.show("MUG-1")["on_hand"] == 10 - handed_out
    with database.read() as unit:
        assert unit.value("select sum(delta) from stock_movement where cause = 'fulfilled'") == -handed_out
    turned.time += 2 * abs(jump)
    assert stock.show("MUG-1")["available"] == 10 - handed_out, "no piece stays promised for longer than the jump"
