"""What a feed says of stock counts only where it says something new, so that reading it again undoes no sale."""

from __future__ import annotations

import pytest

from shopctl.catalogue.importing import merge as merging
from shopctl.catalogue.stock import StockService
from shopctl.storage.database import Database, open_database
from support.feeds import Feeds, counted, csv_text


def feed(stock: object, name: str = "Mug") -> str:
    return csv_text("sku,name,stock", ("MUG", name, stock), ("CUP", "Cup", 3))


def on_hand(feeds: Feeds, sku: str = "MUG") -> dict[str, int]:
    found: dict[str, int] = feeds.record(sku)["stock"]
    return found


def test_a_sale_survives_the_same_file(feeds: Feeds, stock: StockService):
    feeds.run(feed(10))
    stock.adjust("MUG", -4)

    assert counted(feeds.run(feed(10))) == {"rows": 2, "unchanged": 2}
    assert on_hand(feeds) == {"default": 6}


def test_a_sale_survives_a_file_that_differs_elsewhere(feeds: Feeds, stock: StockService):
    feeds.run(feed(10))
    stock.adjust("MUG", -4)

    assert counted(feeds.run(feed(10, name="Blue mug"))) == {"rows": 2, "updated": 1, "unchanged": 1}
    assert on_hand(feeds) == {"default": 6}


def test_a_new_value_is_applied_as_one_movement(feeds: Feeds, stock: StockService):
    feeds.run(feed(10))
    stock.adjust("MUG", -4)

    report = feeds.run(feed(12))

    assert counted(report) == {"rows": 2, "updated": 1, "unchanged": 1}
    assert on_hand(feeds) == {"default": 12}
    with feeds.database.read() as unit:
        movements = unit.tuples("select delta, on_hand, cause, reference from stock_movement order by id")
    assert movements == [(-4, 6, "adjust", ""), (6, 12, "import", report.import_id)]
    assert feeds.value("select version from product where sku = 'MUG'") == 1, "stock makes no version"


def test_a_new_value_that_is_there_already_changes_nothing_and_is_remembered(feeds: Feeds, stock: StockService):
    feeds.run(feed(10))
    stock.adjust("MUG", -4)

    assert counted(feeds.run(feed(6))) == {"rows": 2, "unchanged": 2}
    stock.adjust("MUG", -1)
    feeds.run(feed(6))
    assert on_hand(feeds) == {"default": 5}


def test_a_value_that_comes_back_is_new_again(feeds: Feeds, stock: StockService):
    for number in (10, 8, 10):
        feeds.run(feed(number))
    assert on_hand(feeds) == {"default": 10}


def test_a_blank_cell_says_nothing(feeds: Feeds):
    feeds.run(feed(10))
    feeds.run(feed(""))
    assert on_hand(feeds) == {"default": 10}


def test_the_count_of_a_first_import_is_remembered_in_both_ways_in(feeds: Feeds, stock: StockService):
    feeds.run(feed(10))
    feeds.run(feed(10) + "POT,Pot,7\n")
    for sku in ("MUG", "POT"):
        stock.adjust(sku, -1)

    feeds.run(feed(10, name="x") + "POT,Big pot,7\n")

    assert (on_hand(feeds), on_hand(feeds, "POT")) == ({"default": 9}, {"default": 6})


def test_two_feeds_are_told_apart_by_their_mappings(feeds: Feeds, stock: StockService):
    mapping = feeds.file('feed = "warehouse"\n[columns]\n"Qty" = "stock:berlin"\n', "warehouse.toml")
    feeds.run(feed(10))
    warehouse = csv_text("sku,Qty", ("MUG", 5))
    feeds.run(warehouse, "w.csv", mapping=str(mapping))
    assert on_hand(feeds) == {"berlin": 5, "default": 10}
    stock.adjust("MUG", -2, location="berlin")
    stock.adjust("MUG", -3)

    assert counted(feeds.run(feed(10, name="Blue"))) == {"rows": 2, "updated": 1, "unchanged": 1}
    assert counted(feeds.run(warehouse, "w.csv", mapping=str(mapping))) == {"rows": 1, "unchanged": 1}

    assert on_hand(feeds) == {"berlin": 3, "default": 7}
    assert {row.feed for row in feeds.service.list(9)} == {"csv", "warehouse"}


def test_another_feed_of_the_same_product_starts_with_its_own_memory(feeds: Feeds, stock: StockService):
    mapping = feeds.file('feed = "other"\n', "other.toml")
    feeds.run(feed(10))
    stock.adjust("MUG", -4)

    feeds.run(feed(10), mapping=str(mapping))

    assert on_hand(feeds) == {"default": 10}, "to this feed the value is new"


def test_a_sale_while_the_import_merges_is_not_lost(
    feeds: Feeds, database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    if database.dialect == "sqlite":
        pytest.skip("a single writer at a time: nobody sells within a unit")
    feeds.run(feed(10))
    other = open_database(database_url)
    load = merging.load

    def loaded(unit, *arguments, **options):
        found = load(unit, *arguments, **options)
        with pytest.raises(Exception, match="lock"), other.unit() as sale:
            sale.execute("set local lock_timeout = '200ms'")
            sale.execute("update stock set on_hand = on_hand - 1")
        return found

    monkeypatch.setattr(merging, "load", loaded)
    feeds.run(feed(12))
    other.close()

    assert on_hand(feeds) == {"default": 12}
