"""`shopctl stock`: counts, movements and reservations at the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shopctl.audit.service import Audit
from shopctl.catalogue.stock import StockService
from shopctl.kernel.clock import Clock
from shopctl.storage.database import open_database
from support.shop import Shop

HOUR = 3_600_000_000


@pytest.fixture
def filled(any_shop: Shop) -> Shop:
    any_shop.run("catalogue", "import", "-", input="sku,name,stock\nMUG-1,Mug,10\nMUG-2,Cup,\n")
    return any_shop


@contextmanager
def service(shop: Shop) -> Iterator[StockService]:
    """What another system of this shop would reserve with."""
    database = open_database(shop.database_url or f"sqlite:///{shop.folder / '.shopctl' / 'shop.db'}")
    yield StockService(database, Audit(database, Path("unused")), Clock())
    database.close()


SOON = 50_000  # microseconds: over before the next command has started


def reserve(shop: Shop, quantity: int, lasting: int) -> str:
    with service(shop) as stock, stock.database.unit() as unit:
        return stock.reserve(unit, "MUG-1", quantity, holder="pur_1", until=stock.clock.now() + lasting).id


def test_stock_is_shown_set_and_adjusted(filled: Shop):
    assert filled.run("stock", "show", "MUG-1", "-o", "json").json == {
        "sku": "MUG-1", "on_hand": 10, "reserved": 0, "available": 10,
        "locations": [{"location": "default", "on_hand": 10, "reserved": 0, "available": 10}],
    }  # fmt: skip
    assert filled.run("stock", "adjust", "MUG-1", "-5", "-o", "json").json["on_hand"] == 5
    assert filled.run("stock", "adjust", "MUG-1", "+2", "-o", "json").json["on_hand"] == 7
    assert filled.run("stock", "set", "MUG-1", "4", "--location", "berlin", "-o", "json").json["on_hand"] == 4
    assert filled.run("stock", "adjust", "MUG-1", "-4", "--location", "berlin", "-o", "json").json["on_hand"] == 0
    assert filled.run("stock", "set", "MUG-1", "1", "--dry-run", "-o", "json").json["on_hand"] == 1
    assert filled.run("stock", "show", "MUG-1", "-o", "json").json["on_hand"] == 7
    assert filled.run("stock", "show", "MUG-2", "-o", "json").json["locations"] == []
    assert "on hand" in filled.run("stock", "show", "MUG-1").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (("adjust", "MUG-1", "-11"), "catalogue.insufficient_stock", 5),
        (("set", "MUG-1", "-1"), "catalogue.invalid_quantity", 2),
        (("set", "MUG-1", "99999999999999999999"), "catalogue.invalid_quantity", 2),
        (("set", "MUG-1", "1.5"), "usage", 2),
        (("set", "MUG-1", "1", "--location", ""), "catalogue.invalid_field", 12),
        (("adjust", "NOPE", "1"), "catalogue.product_not_found", 3),
        (("reservations", "NOPE"), "catalogue.product_not_found", 3),
        (("release",), "usage.nothing_named", 2),
        (("release", "rsv_x"), "catalogue.reservation_not_found", 3),
    ],
)
def test_what_cannot_be_is_refused(shop: Shop, arguments: tuple[str, ...], code: str, exit_code: int):
    shop.run("catalogue", "import", "-", input="sku,name,stock\nMUG-1,Mug,10\n")

    refused = shop.run("stock", *arguments, "-o", "json", expect=exit_code)

    assert refused.error["code"] == code
    assert shop.run("stock", "show", "MUG-1", "-o", "json").json["on_hand"] == 10


def test_reservations_are_listed_and_released(filled: Shop):
    held, expired = reserve(filled, 3, HOUR), reserve(filled, 2, SOON)

    rows = filled.run("stock", "reservations", "MUG-1", "-o", "json").json
    assert [(row["reservation_id"], row["quantity"], row["holder"], row["state"]) for row in rows] == [
        (held, 3, "pur_1", "held"), (expired, 2, "pur_1", "expired"),
    ]  # fmt: skip
    assert filled.run("catalogue", "show", "MUG-1", "-o", "json").json["stock"]["available"] == 7
    refused = filled.run("stock", "set", "MUG-1", "2", "-o", "json", expect=5)
    assert refused.error["hint"] == "See who holds the rest with: shopctl stock reservations MUG-1"

    filled.run("stock", "release", held, "rsv_x", expect=3)
    assert [row["reservation_id"] for row in filled.run("stock", "release", "--expired", "-o", "json").json] == [
        expired
    ]
    assert [row["reservation_id"] for row in filled.run("stock", "release", held, "-o", "json").json] == [held]
    assert filled.run("stock", "reservations", "-o", "json").json == []
    assert "no reservations" in filled.run("stock", "reservations").stderr
    assert "nothing to release" in filled.run("stock", "release", "--expired").stderr


def test_stock_is_in_the_audit_trail(shop: Shop):
    shop.run("catalogue", "import", "-", input="sku,name,stock\nMUG-1,Mug,10\n")
    shop.run("stock", "adjust", "MUG-1", "-1", "--reason", "broken")

    entry = shop.run("audit", "list", "-o", "json").json[0]

    assert (entry["action"], entry["subject"], entry["reason"]) == ("stock.adjust", "MUG-1", "broken")
