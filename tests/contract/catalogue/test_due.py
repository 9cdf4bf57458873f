"""What falls due is told in the change log, each moment once, and is no edit."""

from __future__ import annotations

import shutil
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from shopctl.catalogue import due
from shopctl.catalogue.importing.merging import Merging
from shopctl.catalogue.searching import SearchRequest, SearchService
from shopctl.catalogue.service import CatalogueService
from shopctl.kernel import clock
from shopctl.migrations.upgrade import FOLDER, upgrade
from shopctl.operations.consistency import agreement
from shopctl.storage.database import Database, open_database
from shopctl.storage.errors import DatabaseReadOnly
from support.feeds import Feeds, csv_text
from support.products import HOUR, NOW, add

SALE = [("USD", 500), ("USD", 400, "default", 1, NOW + HOUR, NOW + 2 * HOUR)]


def log(database: Database) -> list[tuple[Any, ...]]:
    """The rows of what fell due: product, kind, moment in hours from the start, version."""
    with database.read() as unit:
        rows = unit.tuples(
            """select p.sku, c.kind, c.at, c.version from change c join product p on p.id = c.product_id
                where c.kind in ('publication_due', 'price_due') order by c.at, p.sku"""
        )
    return [(sku, kind, (at - NOW) // HOUR, version) for sku, kind, at, version in rows]


def test_each_moment_is_told_once_when_it_has_come(database: Database, turned: Any):
    with database.unit() as unit:
        add(unit, "SALE", prices=SALE)
        add(unit, "SOON", status="draft", publish_at=NOW + HOUR, retire_at=NOW + 3 * HOUR)
        add(unit, "PLAIN")
    assert due.tell(database, turned) == 0

    turned.time += HOUR
    assert due.tell(database, turned) == 2
    assert due.tell(database, turned) == 0
    turned.time += 5 * HOUR  # nobody was there for a while
    due.tell(database, turned)
    due.tell(database, turned)

    assert log(database) == [
        ("SALE", "price_due", 1, 1),
        ("SOON", "publication_due", 1, 1),
        ("SALE", "price_due", 2, 1),
        ("SOON", "publication_due", 3, 1),
    ]
    with database.read() as unit:
        assert unit.value("select count(*) from product where due_at is not null") == 0
        assert unit.value("select count(*) from product where version <> 1 or updated_at <> :now", now=NOW) == 0


def test_several_processes_tell_each_moment_once(
    database: Database, database_url: str, turned: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(due, "_PORTION", 7)
    with database.unit() as unit:
        add(unit, *(f"S-{number}" for number in range(100)), prices=SALE)
    turned.time += HOUR
    start = threading.Barrier(4)
    told: list[int] = []

    def tell() -> None:
        with closing(open_database(database_url)) as other:
            other.connect()  # type: ignore[attr-defined]
            start.wait()
            told.append(due.tell(other, turned))

    threads = [threading.Thread(target=tell) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    due.tell(database, turned)

    assert len(log(database)) == len(set(log(database))) == 100
    assert sum(told) <= 100


def test_a_search_tells_it_and_has_it_in_its_index(
    database: Database, turned: Any, tmp_path: Path, catalogue: CatalogueService
):
    search = SearchService(database, turned, engine="tantivy", folder=tmp_path / "index", currency="USD")
    with database.unit() as unit:
        add(unit, "SOON", "OTHER", name="Lamp", status="draft", publish_at=NOW + HOUR)
        add(unit, "SALE", prices=SALE)
    assert search.search(SearchRequest("lamp"))["total"] == 0
    turned.time += HOUR

    found = search.search(SearchRequest("lamp"))

    assert ({hit["sku"] for hit in found["hits"]}, found["lag"]) == ({"SOON", "OTHER"}, 0)
    assert len(log(database)) == 3
    assert search.lag() == 0
    assert [hit["price"]["amount"] for hit in search.search(SearchRequest("mug"))["hits"]] == ["4.00"]


def test_a_search_waits_for_no_writer(database: Database, database_url: str, turned: Any, tmp_path: Path):
    search = SearchService(database, turned, engine="tantivy", folder=tmp_path / "index", currency="USD")
    with database.unit() as unit:
        add(unit, "SALE", prices=SALE)
    search.refresh()
    turned.time += HOUR

    with closing(open_database(database_url)) as other, other.unit() as unit:
        unit.execute("update product set brand = 'Held' where sku = 'SALE'")
        assert search.search(SearchRequest("mug"))["total"] == 1
        assert log(database) == []
    search.search(SearchRequest("mug"))
    assert len(log(database)) == 1


def test_a_database_that_cannot_be_written_is_searched_all_the_same(
    database: Database, turned: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    search = SearchService(database, turned, engine="tantivy", folder=tmp_path / "index", currency="USD")
    with database.unit() as unit:
        add(unit, "SALE", prices=SALE)
    search.refresh()
    turned.time += HOUR

    def refuse(*_: Any, **__: Any) -> None:
        raise DatabaseReadOnly(place="here")

    monkeypatch.setattr(database, "unit", refuse)
    assert search.search(SearchRequest("mug"))["total"] == 1


def test_an_edit_tells_first_what_fell_due_before_it(database: Database, turned: Any, catalogue: CatalogueService):
    with database.unit() as unit:
        add(unit, "SALE", prices=SALE)
    turned.time += HOUR + 1

    catalogue.edit("SALE", ["name=Cup"], dry_run=True)
    assert log(database) == []
    catalogue.edit("SALE", ["name=Cup"])
    turned.time += HOUR
    catalogue.publish(["SALE"])  # changes nothing, and tells

    kinds = [(row["kind"], row["version"], row["at"], row["changes"]) for row in catalogue.history("SALE")]
    price = {"field": "price.USD", "from": "4.00", "to": "5.00"}
    assert kinds == [
        ("price_due", 2, clock.show(NOW + 2 * HOUR), [price]),
        ("update", 2, clock.show(NOW + HOUR + 1), [{"field": "name", "from": "Mug", "to": "Cup"}]),
        ("price_due", 1, clock.show(NOW + HOUR), [{**price, "from": "5.00", "to": "4.00"}]),
        ("create", 1, clock.show(NOW), []),
    ]


def test_what_an_edit_schedules_is_told_and_what_it_sets_in_the_past_is_not(
    database: Database, turned: Any, catalogue: CatalogueService
):
    with database.unit() as unit:
        add(unit, "A", "B", "C", status="draft")
    catalogue.publish(["A"], at=NOW + HOUR)
    catalogue.edit("B", [f"publish_at={clock.show(NOW - HOUR)}"])
    catalogue.publish(["C"], at=NOW + HOUR)
    catalogue.publish(["C"], at=NOW + 2 * HOUR)  # it was to be earlier
    turned.time += HOUR

    due.tell(database, turned)

    assert log(database) == [("A", "publication_due", 1, 2)]
    assert catalogue.history("A")[0]["changes"] == [{"field": "status", "from": "draft", "to": "active"}]


def test_what_falls_due_while_it_is_edited_is_not_lost(database: Database, database_url: str, turned: Any):
    from shopctl.catalogue import edits

    with database.unit() as unit:
        add(unit, "SALE", prices=SALE)
    with database.unit() as unit:
        [product] = edits.locked(unit, ["SALE"], now=turned.time)
        turned.time += HOUR  # the moment comes between looking and storing, and nobody has told it
        edit = edits.Edit(product, product._replace(name="Cup"))
        edits.save(unit, [edit], kind="update", now=turned.time, actor="os:anna")

    due.tell(database, turned)

    assert log(database) == [("SALE", "price_due", 1, 2)]


PRICES = f"""[{{"currency":"USD","amount":"5"}},
              {{"currency":"USD","amount":"4","valid_from":"{clock.show(NOW + HOUR)}"}}]"""
HEADER = "sku,name,status,prices,publish_at"
DRAFT = ("SOON", "Lamp", "draft", "", clock.show(NOW + HOUR))


@pytest.mark.parametrize("direct", [True, False])
def test_what_an_import_brings_falls_due(feeds: Feeds, database: Database, turned: Any, direct: bool):
    rows = [("SALE", "Mug", "active", PRICES, ""), ("DRAFT", "Cup", "draft", PRICES, ""), ("PLAIN", "Jar", "", "", "")]
    if direct:
        done = feeds.run(csv_text("sku,name,status,prices", *(row[:4] for row in rows)))
    else:
        feeds.run(csv_text("sku,name", ("FIRST", "Jar"), ("SALE", "Old")), "other.csv")
        done = feeds.run(csv_text(HEADER, *rows, DRAFT, ("PAST", "Pot", "draft", "", "2020-01-01")))
    assert feeds.value("select mode from catalogue_import where id = :id", id=done.import_id) == (
        "direct" if direct else "staged"
    )
    turned.time += HOUR

    due.tell(database, turned)

    told = [("SALE", "price_due", 1, 1)] if direct else [("SALE", "price_due", 1, 2), ("SOON", "publication_due", 1, 1)]
    assert log(database) == told
    with database.read() as unit:
        assert [each for each in agreement(unit) if each.state != "ok"] == []


def test_it_makes_no_plan_stale_and_no_rollback_a_conflict(feeds: Feeds, database: Database, turned: Any):
    first = csv_text(HEADER, ("SALE", "Mug", "active", PRICES, ""), DRAFT, ("GONE", "Jar", "active", PRICES, ""))
    second = csv_text(HEADER, ("SALE", "Cup", "active", PRICES, ""), DRAFT)
    feeds.run(first)
    before = feeds.records()
    plan, _ = feeds.plan(second, prune=True)
    turned.time += HOUR

    done = feeds.plans.run(plan)
    assert (done.counts.updated, done.counts.retired) == (1, 1)
    assert len(log(database)) == 3
    with database.unit() as unit:
        unit.execute("update price set valid_until = :at where valid_from > 0", at=NOW + 2 * HOUR)
        unit.execute("update product set due_at = :at", at=NOW + 2 * HOUR)
    turned.time += HOUR
    due.tell(database, turned)
    assert ("SALE", "price_due", 2, 2) in log(database)
    with database.unit() as unit:
        unit.execute("update price set valid_until = null")

    report = feeds.rollbacks.run(done.import_id)

    assert (report.restored, report.reinstated) == (1, 1)
    assert feeds.records() == before
    # A second import over what fell due after an undone change.
    turned.time += 1
    again = feeds.run(second, prune=True)
    assert (again.counts.updated, again.counts.retired) == (1, 1)


def test_what_falls_due_after_an_undone_change_is_no_conflict(feeds: Feeds, database: Database, turned: Any):
    first = feeds.run(csv_text("sku,name,prices", ("SALE", "Mug", PRICES)))
    second = feeds.run(csv_text("sku,name,prices", ("SALE", "Cup", PRICES)))
    feeds.rollbacks.run(second.import_id)
    turned.time += HOUR
    due.tell(database, turned)
    assert log(database) == [("SALE", "price_due", 1, 3)]

    assert feeds.rollbacks.run(first.import_id).removed == 1


def test_what_falls_due_during_an_import_keeps_nothing_from_being_pruned(
    feeds: Feeds, database: Database, turned: Any, catalogue: CatalogueService, monkeypatch: pytest.MonkeyPatch
):
    kept, gone = ("KEPT", "Mug", PRICES), ("SALE", "Mug", PRICES)
    feeds.run(csv_text("sku,name,prices", kept, gone))
    catalogue.edit("SALE", ["brand=Acme"])
    merge = Merging.stage

    def overtaken(merging: Merging, *given: Any) -> None:
        turned.time += HOUR
        due.tell(database, turned)
        merge(merging, *given)

    monkeypatch.setattr(Merging, "stage", overtaken)
    assert feeds.run(csv_text("sku,name,prices", kept), prune=True).counts.retired == 1
    assert len(log(database)) == 2


def test_a_product_that_fell_due_is_still_pruned_and_comes_back(feeds: Feeds, database: Database, turned: Any):
    kept, gone = ("KEPT", "Mug", "active", "", ""), ("SALE", "Mug", "active", PRICES, "")
    feeds.run(csv_text(HEADER, kept, gone))
    done = feeds.run(csv_text(HEADER, kept), prune=True)
    assert done.counts.retired == 1
    turned.time += HOUR
    due.tell(database, turned)
    assert log(database) == []

    feeds.run(csv_text(HEADER, kept, gone), prune=True)

    assert feeds.record("SALE")["status"] == "active"


def test_the_past_and_differences_know_what_fell_due(database: Database, turned: Any, catalogue: CatalogueService):
    with database.unit() as unit:
        add(unit, "SOON", status="draft", publish_at=NOW + HOUR)
    turned.time += HOUR
    appeared = [{"sku": "SOON", "change": "changed", "field": "status", "from": "draft", "to": "active"}]
    assert list(catalogue.differences(since=NOW, until=NOW + HOUR)) == appeared, "nobody has told it yet"
    due.tell(database, turned)
    turned.time += HOUR
    catalogue.edit("SOON", ["name=Lamp"])
    turned.time += HOUR

    shown = [catalogue.show("SOON", at=at) for at in (NOW, NOW + HOUR, NOW + 2 * HOUR)]
    assert [(each["status"], each["version"], each["name"]) for each in shown] == [
        ("draft", 1, "Mug"), ("active", 1, "Mug"), ("active", 2, "Lamp"),
    ]  # fmt: skip
    assert shown[1]["updated_at"] == clock.show(NOW)
    assert list(catalogue.differences(since=NOW, until=NOW + HOUR)) == appeared


def test_an_upgrade_finds_what_is_still_to_come(database: Database, turned: Any, tmp_path: Path):

    now = clock.Clock().now()
    prices = [("USD", 500, "default", 1, now + HOUR, now + 9 * HOUR)]
    with database.unit() as unit:
        add(unit, "SALE", at=now, prices=prices, retire_at=now + 5 * HOUR)
        add(unit, "SOON", at=now, status="draft", publish_at=now + 2 * HOUR, prices=prices)
        add(unit, "RETIRED", at=now, status="retired", prices=prices)
        add(unit, "PAST", at=now, publish_at=now - HOUR)
        wanted = unit.tuples("select sku, due_at from product order by sku")
        unit.execute("drop index ix_product_due_at")
        unit.execute("alter table product drop column due_at")
        unit.execute("update schema_version set revision = '0003'")
    assert dict(wanted) == {"SALE": now + HOUR, "SOON": now + HOUR, "RETIRED": None, "PAST": None}

    for file in (FOLDER / "shop" / "versions").glob("000[1-4]*.py"):
        (tmp_path / "versions").mkdir(exist_ok=True)
        shutil.copy(file, tmp_path / "versions")
    upgrade(database, "shop", wait=10, folder=tmp_path)  # that step alone: later ones have their tables already

    with database.read() as unit:
        assert unit.tuples("select sku, due_at from product order by sku") == wanted
