"""--dry-run tells what an import would do, field by field, and leaves the database as it was."""

from __future__ import annotations

from typing import Any

import pytest

from shopctl.catalogue.importing.errors import RowsRejected, RowsSkipped
from shopctl.catalogue.importing.service import ImportService
from shopctl.records.errors import BrokenFeed
from shopctl.storage.database import Database
from support.feeds import FIRST, SECOND, Feeds, content, counted


def changes(report: Any) -> dict[str, tuple[str, dict[str, Any]]]:
    return {change["sku"]: (change["action"], change["fields"]) for change in report.changes}


@pytest.mark.parametrize("filled", [False, True])
@pytest.mark.parametrize("prune", [False, True])
def test_it_writes_nothing_at_all(feeds: Feeds, database: Database, filled: bool, prune: bool):
    if filled:
        feeds.run(FIRST)
    before = content(database)

    report = feeds.run(SECOND, dry_run=True, prune=prune)
    feeds.run(SECOND + "X,,1,1,,\n", dry_run=True, prune=prune)
    with pytest.raises(BrokenFeed):
        feeds.run(SECOND.encode() + b"y" * (5 << 20), dry_run=True, prune=prune)

    assert content(database) == before
    assert report.dry_run
    assert not feeds.rejects.exists()


def test_it_shows_adds_changes_and_retirements(feeds: Feeds):
    feeds.run(FIRST)

    report = feeds.run(SECOND, dry_run=True, prune=True)

    assert counted(report) == {"rows": 3, "created": 1, "updated": 1, "unchanged": 1, "retired": 1}
    assert changes(report)["A"] == ("update", {
        "name": {"from": "Mug", "to": "Blue mug"},
        "category": {"from": "Home", "to": "Home > Kitchen"},
        "attributes": {"from": {"colour": "red"}, "to": {"colour": "blue"}},
        "prices": {"from": ["1.00 USD"], "to": ["1.50 USD"]},
        "stock.default": {"from": 5, "to": 7},
    })  # fmt: skip
    action, fields = changes(report)["D"]
    assert action == "create"
    assert (fields["sku"], fields["prices"]) == ({"from": None, "to": "D"}, {"from": None, "to": ["4.00 USD"]})
    assert changes(report)["C"] == ("retire", {"status": {"from": "active", "to": "retired"}})
    assert "B" not in changes(report)


def test_the_import_then_does_what_was_shown(feeds: Feeds):
    feeds.run(FIRST)

    shown = counted(feeds.run(SECOND, dry_run=True, prune=True))

    assert counted(feeds.run(SECOND, prune=True)) == shown


def test_rejects_are_named_in_the_words_of_a_dry_run(feeds: Feeds):
    report = feeds.run(SECOND + "X,,1,1,,\n", dry_run=True)
    with pytest.raises(RowsRejected, match="1 of 4 rows is not valid, so the file would be refused"):
        report.raise_for_rejects()
    skipping = feeds.run(SECOND + "X,,1,1,,\n", dry_run=True, on_error="skip-rows")
    assert counted(skipping) == {"rows": 4, "created": 3, "rejected": 1}
    with pytest.raises(RowsSkipped, match="would not be taken; the rest would go into"):
        skipping.raise_for_rejects()


def test_it_does_not_take_the_place_of_an_import_that_was_killed(feeds: Feeds, monkeypatch: pytest.MonkeyPatch):
    feeds.run(FIRST)
    path = feeds.file(SECOND)
    with monkeypatch.context() as broken:
        broken.setattr(ImportService, "_decide", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            feeds.run(path)
    feeds.run(path, dry_run=True)

    report = feeds.run(path, resume=True)

    assert report.resumed
    assert counted(report) == {"rows": 3, "created": 1, "updated": 1, "unchanged": 1}
