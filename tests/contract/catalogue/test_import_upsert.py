"""Importing a feed again and again: only what differs is changed, and of several rows with one SKU the last wins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shopctl.catalogue.feed.errors import NoRows
from shopctl.catalogue.importing import service
from shopctl.catalogue.importing.errors import CountsDiffer
from shopctl.catalogue.importing.journal import stored_counts
from shopctl.catalogue.service import CatalogueService
from shopctl.storage.database import Database
from shopctl.storage.unit import Unit
from support.feeds import Feeds, assert_counted, content, counted, csv_text

HEADER = "sku,name,price,stock,colour"
MUGS = csv_text(HEADER, ("A", "Mug", "1.00", 5, "red"), ("B", "Cup", "2.00", 6, "blue"), ("C", "Pot", "3.00", 7, ""))


def test_the_same_file_again_changes_nothing_and_writes_no_product(feeds: Feeds, database: Database):
    assert counted(feeds.run(MUGS)) == {"rows": 3, "created": 3}
    before = content(database, without=["catalogue_import", "audit_entry"])

    for _ in range(2):
        again = feeds.run(MUGS)
        assert counted(again) == {"rows": 3, "unchanged": 3}
    assert content(database, without=["catalogue_import", "audit_entry"]) == before


def test_the_same_products_in_another_layout_change_nothing(feeds: Feeds, database: Database):
    feeds.run(MUGS)
    before = content(database, without=["catalogue_import", "audit_entry", "feed_record"])
    other = csv_text("colour,stock,price,name,sku", ("red", 5, "1", "Mug", "A"), ("", "7", "3.0", "Pot", "C"))

    assert counted(feeds.run(other)) == {"rows": 2, "unchanged": 2}
    assert content(database, without=["catalogue_import", "audit_entry", "feed_record"]) == before


def test_what_differs_is_updated_with_one_change_row_a_product(feeds: Feeds):
    feeds.run(MUGS)

    report = feeds.run(MUGS.replace("Cup", "Tall cup").replace("3.00", "3.50") + "D,Jar,4.00,8,\n")

    assert counted(report) == {"rows": 4, "created": 1, "updated": 2, "unchanged": 1}
    assert_counted(report)
    assert feeds.value("select count(*) from change where import_id = :id", id=report.import_id) == 3
    assert feeds.record("B")["name"] == "Tall cup"
    assert feeds.record("C")["prices"] == [{"currency": "USD", "amount": "3.50"}]
    assert feeds.value("select version from product where sku = 'A'") == 1


def test_a_field_the_feed_does_not_give_stays(feeds: Feeds):
    feeds.run(MUGS)

    feeds.run(csv_text("sku,price,shelf", ("A", "9.00", "12")))

    record = feeds.record("A")
    assert (record["name"], record["attributes"]) == ("Mug", {"colour": "red", "shelf": "12"})
    assert record["prices"] == [{"currency": "USD", "amount": "9.00"}]


def test_a_new_product_without_a_name_is_called_by_its_sku(feeds: Feeds):
    feeds.run(csv_text("sku,price", ("A", "1.00")))
    feeds.run(csv_text("sku,price", ("A", "1.00"), ("B", "2.00")))
    feeds.run(csv_text("sku", ("C",), ("B",)))

    assert [(record["sku"], record["name"]) for record in feeds.records()] == [("A", "A"), ("B", "B"), ("C", "C")]


def test_a_file_of_skus_alone(feeds: Feeds):
    assert counted(feeds.run("sku\nA\nB\n")) == {"rows": 2, "created": 2}


def test_of_several_rows_in_a_first_import_the_last_wins_and_the_others_are_named(feeds: Feeds):
    report = feeds.run(MUGS + "A,Second,4.00,1,\nA,Third,5.00,2,\n")

    assert counted(report) == {"rows": 5, "created": 3, "superseded": 2}
    assert [(row["line"], row["sku"], row["code"]) for row in report.superseded] == [
        (2, "A", "row.superseded"),
        (5, "A", "row.superseded"),
    ]
    assert all("line 6" in row["message"] for row in report.superseded)
    assert feeds.record("A")["name"] == "Third"
    assert feeds.record("A")["stock"] == {"default": 2}
    assert feeds.value("select count(*) from change") == feeds.value("select count(*) from product") == 3


@pytest.mark.parametrize(
    ("rows", "expected", "named", "name"),
    [
        # v1 is what the shop has from the first import; the digits are lines.
        (["v2", "v3"], {"updated": 1, "superseded": 1}, [2], "v3"),
        (["v2", "v1"], {"unchanged": 1, "superseded": 1}, [2], "v1"),
        (["v1", "v2"], {"updated": 1, "superseded": 1}, [2], "v2"),
        (["v1", "v1"], {"unchanged": 1, "superseded": 1}, [2], "v1"),
        (["v1", "v2", "v1", "v3"], {"updated": 1, "superseded": 3}, [2, 3, 4], "v3"),
        (["v3", "v1", "v2", "v1", "v1"], {"unchanged": 1, "superseded": 4}, [2, 3, 4, 5], "v1"),
    ],
)
def test_of_several_rows_beside_what_is_known_the_last_wins(feeds: Feeds, rows, expected, named, name):
    feeds.run(csv_text("sku,name", ("A", "v1"), ("B", "other")))

    report = feeds.run(csv_text("sku,name", *(("A", row) for row in rows), ("B", "other")))

    assert counted(report) == {"rows": len(rows) + 1, **expected, "unchanged": expected.get("unchanged", 0) + 1}
    assert_counted(report)
    assert [row["line"] for row in report.superseded] == named
    assert {row["sku"] for row in report.superseded} == {"A"}
    last = len(rows) + 1
    assert all(f"line {last} " in row["message"] for row in report.superseded)
    assert feeds.record("A")["name"] == name
    assert counted(feeds.run(csv_text("sku,name", ("A", name), ("B", "other"))))["unchanged"] == 2


def test_an_edit_by_hand_is_seen_although_the_record_is_what_it_was(feeds: Feeds, catalogue: CatalogueService):
    feeds.run(MUGS)
    catalogue.edit("A", ["name=By hand"])

    report = feeds.run(MUGS)

    assert counted(report) == {"rows": 3, "updated": 1, "unchanged": 2}
    assert feeds.record("A")["name"] == "Mug"
    assert [row["kind"] for row in catalogue.history("A")] == ["update", "update", "create"]


def test_a_file_with_nothing_but_blank_rows_is_refused(feeds: Feeds, database: Database):
    for _ in range(2):
        with pytest.raises(NoRows):
            feeds.run("sku,name\n,\n,\n", prune=True)
        feeds.run(MUGS)
    assert {record["status"] for record in feeds.records()} == {"active"}


def test_the_sources_name_may_be_no_text(feeds: Feeds):
    path = Path(bytes(feeds.folder / "f").decode() + "\udcff.csv")
    path.write_text(MUGS)

    feeds.run(path)

    assert feeds.service.list(1)[0].source == "f\\udcff.csv"


@pytest.mark.parametrize("what", ["created", "updated", "retired"])
@pytest.mark.parametrize("mode", ["direct", "staged"])
def test_success_is_not_reported_when_the_database_holds_something_else(
    feeds: Feeds, monkeypatch: pytest.MonkeyPatch, what: str, mode: str
):
    if mode == "staged":
        feeds.run("sku,name\nZ,Zebra\n")
    count: Callable[..., dict[str, int]] = stored_counts
    monkeypatch.setattr(service.journals, "stored_counts", lambda unit, journal: count(unit, journal) | {what: 77})

    with pytest.raises(CountsDiffer) as refused:
        feeds.run(MUGS)

    assert "77" in refused.value.message
    assert feeds.service.list(1)[0].state == "merging"


@pytest.mark.parametrize("mode", ["direct", "staged"])
def test_a_product_that_vanishes_before_the_end_is_noticed(feeds: Feeds, monkeypatch: pytest.MonkeyPatch, mode: str):
    if mode == "staged":
        feeds.run("sku,name\nZ,Zebra\n")
    record = feeds.service.audit.record

    def losing(unit: Unit, *arguments: Any, **options: Any) -> None:
        for table in ("price", "stock", "feed_record"):
            unit.execute(f"delete from {table} where product_id = (select id from product where sku = 'B')")
        unit.execute("delete from product where sku = 'B'")
        record(unit, *arguments, **options)

    monkeypatch.setattr(feeds.service.audit, "record", losing)

    with pytest.raises(CountsDiffer) as refused:
        feeds.run(MUGS)

    assert refused.value.facts["what"] == "created"


def test_every_import_is_listed_with_its_counts(feeds: Feeds):
    feeds.run(MUGS)
    report = feeds.run(MUGS.replace("Mug", "Bowl"))

    listed = feeds.service.list(5)

    assert [row.state for row in listed] == ["done", "done"]
    assert (listed[0].import_id, listed[0].updated, listed[0].unchanged) == (report.import_id, 1, 2)
    assert listed[1].created == 3


def test_postgresql_knows_what_an_import_has_brought_before_it_would_look_by_itself(feeds: Feeds, database: Database):
    with database.read() as unit:
        if unit.dialect != "postgres":
            pytest.skip("SQLite's plans need no statistics")
    feeds.run(MUGS)
    feeds.run(MUGS.replace("Mug", "Jug"))

    with database.read() as unit:
        known = dict(
            unit.tuples(
                """select relname, reltuples from pg_class
                    where relname in ('product', 'price', 'stock', 'feed_record', 'change', 'import_row')"""
            )
        )
    # -1 is what was never looked at. The stage held the one row that differs.
    assert {name: int(rows) for name, rows in known.items()} == {
        "product": 3, "price": 3, "stock": 3, "feed_record": 3, "change": 3, "import_row": 1,
    }  # fmt: skip
