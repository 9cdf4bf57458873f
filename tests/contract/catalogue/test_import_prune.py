"""--prune retires what a feed brought before and brings no more, and only that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shopctl.audit.service import Audit
from shopctl.catalogue.importing.errors import RejectsCannotPrune
from shopctl.catalogue.importing.merging import Merging
from shopctl.catalogue.importing.service import ImportService
from shopctl.catalogue.service import CatalogueService
from shopctl.kernel.clock import Clock
from shopctl.records.errors import BrokenFeed
from shopctl.storage.database import Database
from support.feeds import Feeds, counted, csv_text


@pytest.fixture
def feeds(database: Database, audit: Audit, turned: Clock, tmp_path: Path) -> Feeds:
    made = Feeds(database, audit, turned, tmp_path)
    made.run(feed("A", "B", "C", "D"))
    return made


def feed(*skus: str, name: str = "n", price: str = "1.00") -> str:
    return csv_text("sku,name,price", *((sku, name, price) for sku in skus))


def retired(feeds: Feeds) -> set[str]:
    return {record["sku"] for record in feeds.records() if record["status"] == "retired"}


def test_what_is_gone_is_retired_and_what_is_unchanged_stays(feeds: Feeds, catalogue: CatalogueService):
    report = feeds.run(feed("A", "C"), prune=True)

    assert counted(report) == {"rows": 2, "unchanged": 2, "retired": 2}
    assert retired(feeds) == {"B", "D"}
    (latest, *_) = catalogue.history("B")
    assert (latest["kind"], latest["version"], latest["import_id"]) == ("retire", 2, report.import_id)
    assert latest["changes"] == [{"field": "status", "from": "active", "to": "retired"}]


def test_without_it_nothing_is_retired(feeds: Feeds):
    assert counted(feeds.run(feed("A"))) == {"rows": 1, "unchanged": 1}
    assert not retired(feeds)


def test_it_is_done_once(feeds: Feeds):
    feeds.run(feed("A"), prune=True)
    assert counted(feeds.run(feed("A"), prune=True)) == {"rows": 1, "unchanged": 1}


def test_changed_and_new_products_are_not_gone(feeds: Feeds):
    report = feeds.run(feed("A", "NEW", name="other"), prune=True)

    assert counted(report) == {"rows": 2, "created": 1, "updated": 1, "retired": 3}
    assert retired(feeds) == {"B", "C", "D"}


def test_products_of_other_feeds_and_of_none_stay(feeds: Feeds):
    mapping = feeds.file('feed = "other"\n', "other.toml")
    feeds.run(feed("X", "Y"), "x.csv", mapping=str(mapping))

    feeds.run(feed("X"), "x.csv", mapping=str(mapping), prune=True)

    assert retired(feeds) == {"Y"}


def test_a_product_whose_row_is_rejected_stays(feeds: Feeds):
    report = feeds.run(feed("A") + "B,,1.00\nC,n,1.999\n", prune=True, on_error="skip-rows")

    assert counted(report) == {"rows": 3, "unchanged": 1, "rejected": 2, "retired": 1}
    assert retired(feeds) == {"D"}


def test_nothing_is_retired_while_a_row_does_not_tell_whose_it_is(feeds: Feeds):
    lines = [json.dumps({"sku": sku, "name": "n"}) for sku in "AB"]
    feeds.run("\n".join(lines), "f.ndjson")

    report = feeds.run(lines[0] + '\n{"sku": "B", "name": ', "f.ndjson", prune=True, on_error="skip-rows")

    assert counted(report) == {"rows": 2, "unchanged": 1, "rejected": 1}
    assert not retired(feeds)


@pytest.mark.parametrize(
    "broken",
    [
        b'"C,n\n',  # the quote is never closed, so that the whole line is its first cell
        b"C,n,1.00,C,n,1.00\n",
        b"\xff,n,1.00\n",
        b"C\x00,n,1.00\n",
        b"C\x07,n,1.00\n",
    ],
)
def test_a_row_whose_sku_cannot_be_trusted_may_be_any_product(feeds: Feeds, broken: bytes):
    data = feed("A", "éöü" * 20).encode() + broken + feed("B").encode().splitlines(keepends=True)[1]

    planned = feeds.run(data, prune=True, on_error="skip-rows", dry_run=True)
    report = feeds.run(data, prune=True, on_error="skip-rows")

    assert report.counts.rejected == 1
    assert (report.counts.retired, planned.counts.retired) == (0, 0)
    assert report.not_pruned == planned.not_pruned == "line 4 may be any product"
    assert report.as_dict()["not_pruned"] == report.not_pruned
    assert not retired(feeds)


def test_nothing_holds_back_what_all_rows_tell(feeds: Feeds):
    assert feeds.run(feed("A") + "B,,1.00\n", prune=True, on_error="skip-rows").as_dict()["not_pruned"] is None


def test_a_rejects_file_prunes_nothing_and_belongs_to_the_feed_it_came_from(feeds: Feeds):
    good = json.dumps({"sku": "X", "name": "n"})
    report = feeds.run(good + '\n{"sku": "Y"', "f.ndjson", on_error="skip-rows")
    assert report.rejects_file
    mended = Path(report.rejects_file)
    mended.write_text(mended.read_text().replace('""Y""', '""Y"", ""name"": ""n""}'))

    with pytest.raises(RejectsCannotPrune):
        feeds.run(mended, prune=True)
    assert counted(feeds.run(mended)) == {"rows": 1, "created": 1}

    feeds.run(feed("A", "B", "C", "D"), prune=True)
    assert not retired(feeds), "Y is not of the CSV feed"
    feeds.run(good, "f.ndjson", prune=True)
    assert retired(feeds) == {"Y"}


def test_a_refused_file_retires_nothing(feeds: Feeds):
    feeds.run(feed("A") + "X,,1.00\n", prune=True)
    with pytest.raises(BrokenFeed):
        feeds.run(b"sku,name\nA,n\n" + b'B,"' + b"x" * (5 << 20), prune=True)
    assert not retired(feeds)


def test_what_comes_back_is_what_it_was(feeds: Feeds, catalogue: CatalogueService):
    catalogue.edit("B", ["publish_at=2030-01-01"])
    feeds.run(feed("A", "C"), prune=True)
    assert retired(feeds) == {"B", "D"}

    report = feeds.run(feed("A", "B", "C", "D"), prune=True)

    assert counted(report) == {"rows": 4, "updated": 2, "unchanged": 2}
    assert not retired(feeds)
    assert counted(feeds.run(feed("A", "B", "C", "D"), prune=True)) == {"rows": 4, "unchanged": 4}


def test_what_was_retired_by_hand_does_not_come_back_by_a_feed(feeds: Feeds, catalogue: CatalogueService):
    catalogue.retire(["B"])
    feeds.run(feed("A", "C", "D"), prune=True)

    feeds.run(feed("A", "B", "C", "D", name="other"))

    assert retired(feeds) == {"B"}


def test_an_edited_product_that_is_in_the_file_stays(feeds: Feeds, catalogue: CatalogueService):
    catalogue.edit("A", ["brand=By hand"])

    feeds.run(feed("A", "B"), prune=True)

    assert retired(feeds) == {"C", "D"}


def test_a_product_edited_while_the_file_is_read_is_not_taken_for_gone(
    feeds: Feeds, catalogue: CatalogueService, monkeypatch: pytest.MonkeyPatch
):
    decide = ImportService._decide

    def meanwhile(service: ImportService, run: Any) -> None:
        decide(service, run)
        catalogue.edit("A", ["brand=By hand"])

    monkeypatch.setattr(ImportService, "_decide", meanwhile)
    feeds.run(feed("A", "B"), prune=True)

    assert retired(feeds) == {"C", "D"}


def test_an_import_killed_while_it_merged_still_knows_what_the_file_has(feeds: Feeds, monkeypatch: pytest.MonkeyPatch):
    path = feeds.file(feed("A", "B") + "C,other,1.00\n")
    with monkeypatch.context() as broken:
        broken.setattr(Merging, "stage", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            feeds.run(path, prune=True)

    report = feeds.run(path, prune=True, resume=True)

    assert report.resumed
    assert counted(report) == {"rows": 3, "updated": 1, "unchanged": 2, "retired": 1}
    assert retired(feeds) == {"D"}
