"""A rollback makes of each product what it was before the import, unless somebody has changed it since."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from shopctl.audit.service import Audit
from shopctl.catalogue.errors import ProductNotFound
from shopctl.catalogue.importing import rollback
from shopctl.catalogue.importing.errors import (
    ImportNotFound,
    RollbackConflict,
    RollbackOvertaken,
    RolledBackAlready,
)
from shopctl.catalogue.service import CatalogueService
from shopctl.catalogue.stock import StockService
from shopctl.operations.consistency import agreement
from shopctl.storage.database import Database
from support.feeds import FIRST, HEADER, SECOND, Feeds, content, counted, csv_text


def without_stock(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in record.items() if name != "stock"} for record in records]


def assert_sound(database: Database) -> None:
    with database.read() as unit:
        assert [each for each in agreement(unit) if each.state != "ok"] == []


def later(turned: Any, seconds: int = 1) -> int:
    turned.time += seconds * 1_000_000
    found: int = turned.time
    return found


def test_an_export_after_it_is_that_from_before_the_import_but_for_stock(feeds: Feeds, database: Database, turned: Any):
    feeds.run(FIRST)
    before = feeds.records()
    later(turned)
    done = feeds.run(SECOND, prune=True)
    changed = feeds.records()
    at = later(turned)
    later(turned)

    report = feeds.rollbacks.run(done.import_id)

    assert (report.restored, report.reinstated, report.removed, report.retired) == (1, 1, 1, 0)
    assert without_stock(feeds.records()) == without_stock(before)
    assert feeds.record("A")["stock"] == {"default": 7}
    assert feeds.records(at=at) == changed
    assert feeds.service.list(1)[0].state == "rolled_back"
    assert_sound(database)


def test_the_feed_applies_again_afterwards(feeds: Feeds, database: Database, turned: Any):
    feeds.run(FIRST)
    done = feeds.run(SECOND, prune=True)
    changed = feeds.records()
    feeds.rollbacks.run(done.import_id)

    again = feeds.run(SECOND, prune=True)

    assert counted(again) == counted(done)
    assert feeds.records() == changed
    assert_sound(database)
    feeds.rollbacks.run(again.import_id)
    assert counted(feeds.run(FIRST)) == {"rows": 3, "updated": 1, "unchanged": 2}  # stock: the feed said 7 in between
    assert_sound(database)


def test_a_product_that_a_feed_had_brought_back_goes_and_comes_with_it_again(feeds: Feeds, database: Database):
    feeds.run(FIRST)
    feeds.run(csv_text(HEADER, ("A", "Mug", "1.00", 5, "Home", "red")), prune=True)
    back = feeds.run(FIRST)
    assert feeds.record("C")["status"] == "active"
    feeds.rollbacks.run(back.import_id)
    assert feeds.record("C")["status"] == "retired"

    feeds.run(FIRST)

    assert feeds.record("C")["status"] == "active"
    assert_sound(database)


def test_the_first_import_of_all_can_be_rolled_back(feeds: Feeds, database: Database, turned: Any):
    done = feeds.run(FIRST)
    at = later(turned)
    later(turned)

    report = feeds.rollbacks.run(done.import_id)

    assert (report.removed, feeds.records()) == (3, [])
    assert [record["sku"] for record in feeds.records(at=at)] == ["A", "B", "C"]
    assert feeds.records(at=at)[0]["stock"] == {"default": 5}
    assert counted(feeds.run(FIRST)) == {"rows": 3, "created": 3}
    assert feeds.value("select min(id) from product") == 4, "numbers are given once"
    assert_sound(database)


def test_a_changed_product_is_a_conflict_and_nothing_is_rolled_back(
    feeds: Feeds, catalogue: CatalogueService, database: Database
):
    feeds.run(FIRST)
    done = feeds.run(SECOND, prune=True)
    catalogue.edit("A", ["tags=x"])
    catalogue.edit("D", ["name=Other jar"])
    before = content(database)

    with pytest.raises(RollbackConflict) as refused:
        feeds.rollbacks.run(done.import_id)

    assert refused.value.exit_code == 5
    assert refused.value.message == "2 product(s) changed since the import; nothing was rolled back."
    assert refused.value.lines == ["A  is version 3, was 2 (tags)", "D  is version 2, was 1 (name)"]
    assert content(database) == before


def test_sales_are_no_conflict_and_stay(feeds: Feeds, stock: StockService, database: Database):
    feeds.run(FIRST)
    done = feeds.run(SECOND)
    stock.adjust("A", -3)

    feeds.rollbacks.run(done.import_id)

    assert feeds.record("A")["stock"] == {"default": 4}
    assert feeds.record("A")["name"] == "Mug"
    assert_sound(database)


def test_imports_are_rolled_back_in_their_order_and_what_was_undone_is_no_conflict(feeds: Feeds, database: Database):
    feeds.run(FIRST)
    second = feeds.run(SECOND)
    middle = without_stock(feeds.records())
    third = feeds.run(csv_text(HEADER, ("A", "Green mug", "5", 7, "", ""), ("D", "Big jar", "4", 2, "", "")))
    with pytest.raises(RollbackConflict):
        feeds.rollbacks.run(second.import_id)

    feeds.rollbacks.run(third.import_id)

    assert without_stock(feeds.records()) == middle
    feeds.rollbacks.run(second.import_id)
    assert feeds.record("A")["name"] == "Mug"
    assert "D" not in {record["sku"] for record in feeds.records()}
    assert_sound(database)


def test_it_is_done_once_and_only_for_imports_there_are(feeds: Feeds, database: Database):
    done = feeds.run(FIRST)
    feeds.rollbacks.run(done.import_id)
    before = content(database)
    with pytest.raises(RolledBackAlready):
        feeds.rollbacks.run(done.import_id)
    with pytest.raises(ImportNotFound):
        feeds.rollbacks.run("imp_none")
    assert content(database) == before


def test_an_import_that_changed_nothing_has_nothing_to_take_back(feeds: Feeds):
    feeds.run(FIRST)
    again = feeds.run(FIRST)
    refused = feeds.run(FIRST + "X,,1,1,,\n")

    assert feeds.rollbacks.run(again.import_id).changed == 0
    assert feeds.rollbacks.run(refused.import_id).changed == 0


def test_a_dry_run_shows_it_and_writes_nothing(feeds: Feeds, database: Database):
    feeds.run(FIRST)
    done = feeds.run(SECOND, prune=True)
    before = content(database)

    report = feeds.rollbacks.run(done.import_id, dry_run=True)

    assert content(database) == before
    changes = {change["sku"]: (change["action"], change["fields"]) for change in report.changes}
    assert changes["A"] == ("restore", {
        "name": {"from": "Blue mug", "to": "Mug"},
        "category": {"from": "Home > Kitchen", "to": "Home"},
        "attributes.colour": {"from": "blue", "to": "red"},
        "price.USD": {"from": "1.50", "to": "1.00"},
    })  # fmt: skip
    assert changes["C"] == ("reinstate", {"status": {"from": "retired", "to": "active"}})
    assert changes["D"][0] == "remove"


def test_what_was_created_and_is_in_use_is_retired_instead(
    feeds: Feeds, catalogue: CatalogueService, stock: StockService, database: Database
):
    """Sold, reserved, the parent of another feed's variant, a component of a bundle that stays or is itself used."""
    names = ("SOLD", "HELD", "PARENT", "PART", "INNER", "FREE")
    rows = [json.dumps({"sku": sku, "name": sku, "stock": 5}) for sku in names]
    rows.append(json.dumps({"sku": "SET", "name": "Set", "kind": "bundle",
                            "components": [{"sku": "INNER", "quantity": 1}]}))  # fmt: skip
    rows.append(json.dumps({"sku": "FREE-L", "name": "Large", "parent_sku": "FREE"}))
    rows.append(json.dumps({"sku": "FAMILY", "name": "Family"}))
    rows.append(json.dumps({"sku": "FAMILY-L", "name": "Large", "parent_sku": "FAMILY", "stock": 5}))
    feeds.run(csv_text("sku,name", ("OLD", "Old set")))
    done = feeds.run("\n".join(rows), "feed.ndjson")
    stock.adjust("SOLD", -1)
    stock.adjust("FAMILY-L", -1)
    with database.unit() as unit:
        stock.reserve(unit, "HELD", 1, holder="x", until=stock.clock.now() + 10_000_000)
    feeds.run(csv_text("sku,name,parent_sku", ("V", "Variant", "PARENT")), mapping=other(feeds))
    catalogue.edit("OLD", ["kind=bundle", 'components=[{"sku":"PART","quantity":1},{"sku":"SET","quantity":1}]'])

    report = feeds.rollbacks.run(done.import_id)

    present = {record["sku"]: record["status"] for record in feeds.records()}
    assert present == {
        "OLD": "active", "V": "active", "SOLD": "retired", "HELD": "retired", "PARENT": "retired", "PART": "retired",
        "SET": "retired", "INNER": "retired", "FAMILY": "retired", "FAMILY-L": "retired",
    }  # fmt: skip
    assert (report.removed, report.retired) == (2, 8)
    assert_sound(database)


def test_what_the_import_itself_made_refer_to_a_creation_does_not_keep_it(feeds: Feeds, database: Database):
    feeds.run(FIRST)
    before = feeds.records()
    done = feeds.run(csv_text("sku,name,parent_sku", ("P", "Parent", ""), ("A", "Mug", "P"), ("N", "New", "P")))

    report = feeds.rollbacks.run(done.import_id)

    assert (report.restored, report.removed) == (1, 2)
    assert feeds.records() == before
    assert_sound(database)


def test_the_past_of_a_removed_product_stays(feeds: Feeds, catalogue: CatalogueService, turned: Any):
    done = feeds.run(FIRST)
    created = later(turned)
    removed = later(turned)
    feeds.rollbacks.run(done.import_id)
    after = later(turned)

    assert [row["kind"] for row in catalogue.history("A")] == ["remove", "create"]
    assert catalogue.show("A", at=created)["name"] == "Mug"
    for moment in (None, removed):
        with pytest.raises(ProductNotFound):
            catalogue.show("A", at=moment)
    gone = [row for row in catalogue.differences(since=created, until=after) if row["sku"] == "A"]
    assert {row["change"] for row in gone} == {"removed"}
    assert {"sku": "A", "change": "removed", "field": "price.USD", "from": "1.00", "to": None} in gone
    assert list(catalogue.differences(since=created - 2_000_000, until=after)) == []

    later(turned)
    feeds.run(FIRST)
    assert [row["kind"] for row in catalogue.history("A")] == ["create", "remove", "create"]
    assert catalogue.show("A", at=created)["stock"]["on_hand"] == 5


def test_it_is_recorded(feeds: Feeds, audit: Audit):
    done = feeds.run(FIRST)
    feeds.rollbacks.run(done.import_id)

    entry = next(iter(audit.entries(limit=1)))
    assert (entry.action, entry.subject, entry.changed) == ("catalogue.rollback", done.import_id, 3)
    assert json.loads(entry.facts) == {"restored": 0, "reinstated": 0, "removed": 3, "retired": 0}


def test_an_abandoned_import_can_be_rolled_back(feeds: Feeds, monkeypatch: pytest.MonkeyPatch, database: Database):
    feeds.run(FIRST)
    before = feeds.records()
    from shopctl.catalogue.importing.merging import Merging

    with monkeypatch.context() as broken:
        broken.setattr(Merging, "finish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            feeds.run(SECOND)

    report = feeds.rollbacks.run(feeds.service.list(1)[0].import_id)

    assert (report.restored, report.removed) == (1, 1)
    assert without_stock(feeds.records()) == without_stock(before)
    assert feeds.value("select count(*) from import_row") == 0
    assert_sound(database)


def test_a_product_that_changes_meanwhile_stops_it(
    feeds: Feeds, catalogue: CatalogueService, monkeypatch: pytest.MonkeyPatch
):
    feeds.run(FIRST)
    done = feeds.run(SECOND)
    undo_all = rollback.RollbackService._undo_all

    def edited(self: Any, *arguments: Any) -> None:
        catalogue.edit("A", ["tags=x"])
        undo_all(self, *arguments)

    monkeypatch.setattr(rollback.RollbackService, "_undo_all", edited)
    with pytest.raises(RollbackOvertaken, match="1 product"):
        feeds.rollbacks.run(done.import_id)
    assert feeds.record("A")["name"] == "Blue mug"
    assert feeds.record("D")["name"] == "Jar"


def test_random_imports_taken_back_one_by_one(
    feeds: Feeds, database: Database, dice: random.Random, scale: Callable[[int, int], int]
):
    """A stack of imports of two feeds, unwound: at each step the catalogue is what it was before that import."""
    for round_ in range(scale(4, 60)):
        stack: list[tuple[str, list[dict[str, Any]]]] = []
        for _ in range(dice.randint(2, 6)):
            before = without_stock(feeds.records())
            skus = dice.sample([f"{round_ % 2}S{number}" for number in range(8)], dice.randint(1, 7))
            rows = [
                (
                    sku,
                    dice.choice("XYZ"),
                    dice.choice(["1", "2", ""]),
                    dice.choice(["", "3", "4"]),
                    "",
                    dice.choice("rg"),
                )
                for sku in skus
            ]
            options = {"mapping": other(feeds)} if dice.random() < 0.4 else {}
            done = feeds.run(csv_text(HEADER, *rows), prune=dice.random() < 0.5, **options)
            stack.append((done.import_id, before))
        while len(stack) > dice.choice([0, 0, 1]):
            import_id, before = stack.pop()
            retired = feeds.rollbacks.run(import_id).retired
            now = without_stock(feeds.records())
            known = {record["sku"] for record in before}
            assert [record for record in now if record["sku"] in known] == before
            # What a later import gave another stock stays, retired.
            extra = [record for record in now if record["sku"] not in known]
            assert {record["status"] for record in extra} <= {"retired"}
            if retired:
                break
        assert_sound(database)


def other(feeds: Feeds) -> str:
    """The mapping of another feed."""
    return str(feeds.file('feed = "other"\n', "other.toml"))
