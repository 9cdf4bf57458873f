"""A plan is carried out exactly, once, in the shop it was made for, and not where the catalogue is another by now."""

from __future__ import annotations

import json
import os
import random
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shopctl.audit.service import Audit
from shopctl.catalogue.importing import applying
from shopctl.catalogue.importing.errors import (
    PlanApplied,
    PlanNotFound,
    PlanOfAnotherShop,
    PlanOvertaken,
    PlanUnusable,
    StalePlan,
)
from shopctl.catalogue.importing.plan_file import read_plan
from shopctl.catalogue.service import CatalogueService
from shopctl.catalogue.stock import StockService
from shopctl.kernel.clock import Clock
from shopctl.storage.database import Database
from support.feeds import FIRST, HEADER, SECOND, Feeds, content, counted, csv_text

# What tells one run of an import from another.
RUN = ("audit_trail", "audit_entry", "catalogue_import", "change", "stock_movement", "lease")


@pytest.mark.parametrize("prune", [False, True])
def test_planning_changes_nothing_and_applying_does_what_was_shown(feeds: Feeds, database: Database, prune: bool):
    feeds.run(FIRST)
    before = content(database, without=["audit_trail"])

    plan, shown = feeds.plan(SECOND, prune=prune)

    assert content(database, without=["audit_trail"]) == before
    assert counted(shown)["created"] == 1
    done = feeds.plans.run(plan)
    assert counted(done) == counted(shown)
    assert not done.dry_run
    assert feeds.record("A")["name"] == "Blue mug"
    assert feeds.record("C")["status"] == ("retired" if prune else "active")
    assert feeds.service.list(1)[0].state == "done"
    assert feeds.value("select count(*) from import_row") == 0


def test_an_applied_plan_leaves_what_the_import_would_have_left(
    feeds: Feeds, database: Database, tmp_path: Path, audit: Audit, turned: Clock
):
    feeds.run(FIRST)
    plan, _ = feeds.plan(SECOND, prune=True)
    feeds.plans.run(plan)
    applied = content(database, without=RUN)
    assert counted(feeds.run(SECOND)) == {"rows": 3, "unchanged": 3}

    assert {row[-1] for row in applied["feed_record"]} == {'{"default":7}', '{"default":6}', '{"default":1}',
                                                           '{"default":2}'}  # fmt: skip
    assert content(database, without=RUN) == applied


def test_the_file_is_private_and_says_for_whom_it_is(feeds: Feeds):
    plan, _ = feeds.plan(FIRST)

    assert stat.S_IMODE(os.stat(plan).st_mode) == 0o600
    header = json.loads(Path(plan).read_bytes().split(b"\n")[0])
    assert header["format"] == "shopctl plan 1"
    assert (header["feed"], header["source"], header["counts"]["created"]) == ("csv", "feed.csv", 3)
    assert header["database_id"].startswith("dbs_")


def test_a_plan_for_an_empty_catalogue_creates_all_of_it(feeds: Feeds):
    plan, _ = feeds.plan(FIRST)

    assert counted(feeds.plans.run(plan)) == {"rows": 3, "created": 3}
    assert feeds.record("A")["prices"] == [{"currency": "USD", "amount": "1.00"}]


def test_a_changed_product_makes_a_plan_stale_and_is_named(feeds: Feeds, catalogue: CatalogueService):
    feeds.run(FIRST)
    plan, _ = feeds.plan(SECOND)
    catalogue.edit("A", ["name=Green mug", "price=9"])

    with pytest.raises(StalePlan) as refused:
        feeds.plans.run(plan)

    assert refused.value.exit_code == 5
    assert refused.value.message == "The catalogue changed since the plan was made: 1 product(s) differ."
    change = "is version 2, was 1 (name, prices)"
    assert refused.value.details == {"changed": 1, "products": [{"sku": "A", "change": change}]}
    assert refused.value.lines == [f"A  {change}"]
    assert feeds.record("A")["name"] == "Green mug"
    assert "D" not in {record["sku"] for record in feeds.records()}
    assert feeds.value("select count(*) from import_row") == 0


def test_what_a_plan_does_not_change_may_change(feeds: Feeds, catalogue: CatalogueService, stock: StockService):
    """A product the feed leaves alone, and one that it compared and found the same."""
    feeds.run(FIRST)
    catalogue.edit("B", ["tags=x"])  # so that the feed's record of it is looked at again
    plan, _ = feeds.plan(SECOND)
    catalogue.edit("B", ["name=Beaker"])
    catalogue.edit("C", ["name=Kettle"])

    assert counted(feeds.plans.run(plan)) == {"rows": 3, "created": 1, "updated": 1, "unchanged": 1}
    assert feeds.record("B")["name"] == "Beaker"


@pytest.mark.parametrize("late", ["created", "retired", "other stock"])
def test_creations_retirements_and_stock_can_be_out_of_date_too(
    feeds: Feeds, catalogue: CatalogueService, late: str
) -> None:
    feeds.run(FIRST)
    plan, _ = feeds.plan(SECOND, prune=True)
    if late == "created":
        feeds.run(csv_text("sku,name", ("D", "Other jar")), mapping=other(feeds))
    elif late == "retired":
        catalogue.edit("C", ["name=Kettle"])
    else:
        feeds.run(csv_text(HEADER, ("A", "Mug", "1.00", 9, "Home", "red")))
    expected = {
        "created": ("D", "was created"),
        "retired": ("C", "is version 2, was 1 (name)"),
        "other stock": ("A", "its feed has said another stock"),
    }[late]

    with pytest.raises(StalePlan) as refused:
        feeds.plans.run(plan)

    assert refused.value.details["products"] == [dict(zip(("sku", "change"), expected, strict=True))]
    assert feeds.record("C")["status"] == "active"


def test_sales_do_not_make_a_plan_stale_and_are_not_undone(feeds: Feeds, stock: StockService) -> None:
    feeds.run(FIRST)
    plan, _ = feeds.plan(csv_text(HEADER, ("A", "Mug", "1.00", 7, "Home", "red"), ("B", "Cup!", "2.00", 6, "Home", "")))
    stock.adjust("A", -1)
    stock.adjust("B", -2)

    feeds.plans.run(plan)

    assert feeds.record("A")["stock"] == {"default": 7}  # the feed says another count than before
    assert feeds.record("B")["stock"] == {"default": 4}  # the feed says the same as before


def test_stock_found_right_when_planned_is_not_set_when_applied(feeds: Feeds, stock: StockService) -> None:
    feeds.run(FIRST)
    stock.set("A", 7)
    plan, shown = feeds.plan(csv_text(HEADER, ("A", "Mug", "1.00", 7, "Home", "red")))
    assert counted(shown) == {"rows": 1, "unchanged": 1}
    stock.adjust("A", -3)

    feeds.plans.run(plan)

    assert feeds.record("A")["stock"] == {"default": 4}


def test_a_parent_that_became_a_variant_makes_a_plan_stale(feeds: Feeds, catalogue: CatalogueService) -> None:
    feeds.run(FIRST)
    plan, _ = feeds.plan(csv_text("sku,name,parent_sku", ("V", "Variant", "A")))
    catalogue.edit("A", ["parent_sku=B"])

    with pytest.raises(StalePlan) as refused:
        feeds.plans.run(plan)

    assert "V  cannot go in any more: 'A' is a variant itself" in refused.value.lines[0]


def test_a_plan_is_applied_once(feeds: Feeds, database: Database) -> None:
    plan, _ = feeds.plan(FIRST)
    done = feeds.plans.run(plan)
    before = content(database)

    with pytest.raises(PlanApplied, match=done.import_id) as refused:
        feeds.plans.run(plan)

    assert refused.value.exit_code == 5
    assert content(database) == before


def test_a_plan_without_changes_is_applied_too(feeds: Feeds) -> None:
    feeds.run(FIRST)
    plan, shown = feeds.plan(FIRST)

    assert shown.changed == 0
    assert counted(feeds.plans.run(plan)) == {"rows": 3, "unchanged": 3}


def test_a_dry_run_of_applying_shows_and_writes_nothing(feeds: Feeds, database: Database) -> None:
    feeds.run(FIRST)
    plan, shown = feeds.plan(SECOND, prune=True)
    before = content(database)

    found = feeds.plans.run(plan, dry_run=True)

    assert content(database) == before
    assert (found.dry_run, counted(found), found.changes) == (True, counted(shown), shown.changes)


def test_guards_of_a_plan_and_of_the_settings_hold_when_it_is_applied(feeds: Feeds, database: Database) -> None:
    feeds.run(FIRST)
    plan, shown = feeds.plan(SECOND, guards=("price-rise<=10%",))
    assert shown.guards[0]["broken"]
    refused = feeds.plans.run(plan)
    assert refused.refused
    assert refused.guards[0]["worst"] == [
        {"sku": "A", "before": "1.00 USD", "after": "1.50 USD", "change": "+50 %"}
    ]  # fmt: skip
    assert feeds.record("A")["name"] == "Mug"
    assert feeds.service.list(1)[0].state == "refused"

    plan, _ = feeds.plan(SECOND)
    feeds.plans.guards = ("created<=0",)
    assert feeds.plans.run(plan).refused
    feeds.plans.guards = ()
    assert not feeds.plans.run(plan).refused


def test_a_plan_of_another_shop_is_refused(feeds: Feeds, database: Database) -> None:
    plan, _ = feeds.plan(FIRST)
    with database.unit() as unit:
        unit.execute("update audit_trail set database_id = 'dbs_other'")
    feeds.service.audit._database_id = None

    with pytest.raises(PlanOfAnotherShop) as refused:
        feeds.plans.run(plan)

    assert refused.value.exit_code == 5


def test_an_edited_or_damaged_plan_is_refused_whatever_was_touched(
    feeds: Feeds, database: Database, dice: random.Random, scale: Callable[[int, int], int]
) -> None:
    feeds.run(FIRST)
    plan, _ = feeds.plan(SECOND, prune=True)
    good, before = Path(plan).read_bytes(), content(database)
    for _ in range(scale(60, 2000)):
        place = dice.randrange(len(good))
        broken = dice.choice([
            good[:place] + bytes([good[place] ^ (1 << dice.randrange(8))]) + good[place + 1 :],
            good[:place] + good[place + 1 :],
            good[:place],
            good[:place] + b"x" + good[place:],
        ])  # fmt: skip
        Path(plan).write_bytes(broken)
        with pytest.raises(PlanUnusable) as refused:
            feeds.plans.run(plan)
        assert refused.value.exit_code == 12
    for other in (b"", b"\n", b"sku,name\nA,Mug\n", b"{}\n" * 400, b"\0" * 5000, good + good):
        Path(plan).write_bytes(other)
        with pytest.raises(PlanUnusable):
            feeds.plans.run(plan)
    assert content(database) == before


def test_a_plan_whose_sum_was_made_anew_is_refused(feeds: Feeds) -> None:
    import hashlib

    plan, _ = feeds.plan(FIRST)
    body, tail = Path(plan).read_bytes()[:-1].rsplit(b"\n", 1)
    forged = body.replace(b'"prune": false', b'"prune": true ')
    words = tail.split(b" ")
    Path(plan).write_bytes(
        forged + b"\n" + b" ".join([hashlib.sha256(forged).hexdigest().encode(), *words[1:]]) + b"\n"
    )

    with pytest.raises(PlanUnusable, match="its signature is not this shop's"):
        feeds.plans.run(plan)


def test_no_file_and_a_folder_are_said_in_one_line(feeds: Feeds, tmp_path: Path) -> None:
    with pytest.raises(PlanNotFound):
        feeds.plans.run(str(tmp_path / "nowhere"))
    with pytest.raises(PlanUnusable, match="is a directory"):
        feeds.plans.run(str(tmp_path))


def test_every_kind_of_value_comes_back_out_of_a_plan(feeds: Feeds, audit: Audit) -> None:
    records = [
        {"sku": "A", "name": "M\u00fcg \U0001f375 \"x\"\n", "attributes": {"a": [1, 2.5, None], "b": {"c": True}},
         "prices": [{"currency": "EUR", "amount": "1.10", "min_quantity": 5},
                    {"currency": "JPY", "amount": "300", "valid_from": "2026-01-01", "valid_until": "2027-01-01"}],
         "stock": {"here": 1, "there": 0}, "tags": ["x"], "options": {"S": "L"}, "publish_at": "2030-01-01"},
        {"sku": "B", "name": "Bundle", "kind": "bundle", "components": [{"sku": "A", "quantity": 2}]},
        {"sku": "C", "name": "Variant", "parent_sku": "B", "colour": None, "size": 3},
    ]  # fmt: skip
    text = "\n".join(map(json.dumps, records))
    feeds.run(csv_text("sku,name,colour", ("C", "V", "red")), mapping=other(feeds))
    plan, _ = feeds.plan(text, "feed.ndjson")
    feeds.plans.run(plan)

    assert counted(feeds.run(text, "feed.ndjson")) == {"rows": 3, "unchanged": 3}
    assert feeds.record("A")["attributes"] == {"a": [1, 2.5, None], "b": {"c": True}}
    assert len(feeds.record("A")["prices"]) == 2
    assert feeds.record("C")["attributes"] == {"size": 3}
    with feeds.database.unit() as unit:
        shop = audit.database_id(unit)
    opened = read_plan(plan, database_id=shop, check=lambda *_: True)
    assert [row[2] for row in opened.rows()] == ["A", "B", "C"]


def test_a_product_that_changes_while_a_plan_is_applied_stops_it(
    feeds: Feeds, catalogue: CatalogueService, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeds.run(FIRST)
    plan, _ = feeds.plan(SECOND)
    decide = applying._Applying._decide

    def meanwhile(*arguments: Any) -> None:
        decide(*arguments)
        catalogue.edit("A", ["name=Green mug"])

    monkeypatch.setattr(applying._Applying, "_decide", meanwhile)
    with pytest.raises(StalePlan) as refused:
        feeds.plans.run(plan)
    assert not isinstance(refused.value, PlanOvertaken)
    assert feeds.record("A")["name"] == "Green mug"
    assert feeds.service.list(1)[0].state == "refused"

    plan, _ = feeds.plan(csv_text(HEADER, ("A", "Mug", "1", 5, "Home", "")), prune=True)

    def later(*arguments: Any) -> None:
        decide(*arguments)
        catalogue.edit("C", ["name=Kettle"])

    monkeypatch.setattr(applying._Applying, "_decide", later)
    with pytest.raises(PlanOvertaken) as overtaken:
        feeds.plans.run(plan)
    assert overtaken.value.facts["done"] == 1
    assert feeds.record("C")["status"] == "active"
    assert feeds.service.list(1)[0].state == "abandoned"


def other(feeds: Feeds) -> str:
    """The mapping of another feed."""
    return str(feeds.file('feed = "other"\n', "other.toml"))
