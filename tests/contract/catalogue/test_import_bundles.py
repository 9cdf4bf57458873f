"""What a bundle of a feed holds must exist, and a product is published before it is retired."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from support.feeds import Feeds, counted, csv_text

HEADER = "sku,name,price,components"
WINDOW = "sku,name,publish_at,retire_at"


def bundle(sku: str, *parts: str, price: str = "1.00") -> tuple[str, ...]:
    return sku, "n", price, json.dumps([{"sku": part} for part in parts]) if parts else ""


def bundles(*rows: tuple[str, ...]) -> str:
    return csv_text(HEADER, *rows)


def refused(feeds: Feeds, *rows: tuple[str, ...]) -> dict[str, str]:
    report = feeds.run(bundles(*rows), on_error="skip-rows")
    assert all(reject["field"] == "components" for reject in report.rejects if reject["code"] != "price.invalid")
    return {reject["sku"]: reject["code"] for reject in report.rejects}


def test_components_may_stand_below_and_be_bundles_themselves(feeds: Feeds):
    report = feeds.run(bundles(bundle("SETS", "SET", "P"), bundle("SET", "P", "Q"), bundle("P"), bundle("Q")))

    assert counted(report) == {"rows": 4, "created": 4}
    assert feeds.record("SETS")["components"] == [{"sku": "SET", "quantity": 1}, {"sku": "P", "quantity": 1}]


def test_a_component_that_is_nowhere_takes_all_that_hold_it_out(feeds: Feeds):
    rows = [bundle("OUTER", "INNER"), bundle("INNER", "NONE"), bundle("FINE", "P"), bundle("P")]

    assert refused(feeds, *rows) == {"OUTER": "components.unknown", "INNER": "components.unknown"}
    assert {record["sku"] for record in feeds.records()} == {"FINE", "P"}
    assert refused(feeds, *rows[:2], bundle("NONE")) == {}, "with it they go in"


def test_a_rejected_row_is_no_component(feeds: Feeds):
    assert refused(feeds, bundle("SET", "P"), bundle("P", price="x")) == {
        "P": "price.invalid", "SET": "components.unknown",
    }  # fmt: skip
    feeds.run(bundles(bundle("P")))
    assert refused(feeds, bundle("SET", "P"), bundle("P", price="x")) == {"P": "price.invalid"}, "the shop has it"


def test_a_component_whose_parent_is_missing_is_none(feeds: Feeds):
    text = csv_text("sku,name,parent_sku,components", ("SET", "n", "", '[{"sku": "V"}]'), ("V", "n", "NONE", ""))

    report = feeds.run(text, on_error="skip-rows")

    assert [reject["code"] for reject in report.rejects] == ["components.unknown", "parent.unknown"]
    assert report.rejects[0]["row"] == ["SET", "n", "", '[{"sku": "V"}]']
    assert not feeds.records()


def test_no_bundle_holds_itself_however_deep(feeds: Feeds):
    rows = [bundle("SELF", "SELF"), bundle("A", "B"), bundle("B", "C"), bundle("C", "P", "A"), bundle("P")]

    report = feeds.run(bundles(*rows, bundle("OUTER", "A"), bundle("FINE", "P")), on_error="skip-rows")

    assert {reject["sku"]: reject["code"] for reject in report.rejects} == {
        **dict.fromkeys(("SELF", "A", "B", "C"), "components.invalid"), "OUTER": "components.unknown",
    }  # fmt: skip
    assert {record["sku"] for record in feeds.records()} == {"P", "FINE"}


def test_a_circle_that_closes_in_the_shop_is_found(feeds: Feeds):
    feeds.run(bundles(bundle("P"), bundle("INNER", "P"), bundle("OUTER", "INNER")))

    assert refused(feeds, bundle("INNER", "OUTER")) == {"INNER": "components.invalid"}
    assert refused(feeds, bundle("OUTER", "P"), bundle("INNER", "OUTER")) == {}, "the file opens it elsewhere"
    assert refused(feeds, bundle("P", "INNER"), bundle("OUTER")) == {}, "what OUTER held is gone"


def test_a_refusal_that_brings_back_what_the_shop_has_may_close_a_circle(feeds: Feeds):
    feeds.run(bundles(bundle("P"), bundle("B", "P"), bundle("A", "B")))

    # The row of A would open the circle, but A holds what is nowhere, so what the shop has of it stays.
    assert refused(feeds, bundle("A", "NONE"), bundle("B", "A")) == {
        "A": "components.unknown", "B": "components.invalid",
    }  # fmt: skip


def test_raw_rows_are_in_the_rejects_file(feeds: Feeds):
    report = feeds.run(bundles(bundle("SET", "NONE", price="01.50"), bundle("P")), on_error="skip-rows")

    assert report.rejects_file
    rows = list(csv.reader(Path(report.rejects_file).read_text().splitlines()))
    assert rows[1][5:] == list(bundle("SET", "NONE", price="01.50"))


def test_an_import_that_goes_on_judges_what_was_staged_before(feeds: Feeds, monkeypatch: pytest.MonkeyPatch):
    from shopctl.catalogue.importing.service import ImportService

    path = feeds.file(bundles(bundle("SET", "NONE"), bundle("P")))
    with monkeypatch.context() as broken:
        broken.setattr(ImportService, "_decide", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        broken.setattr("shopctl.catalogue.importing.journal.close_unmerged", lambda *_, **__: None)
        with pytest.raises(KeyboardInterrupt):
            feeds.run(path, on_error="skip-rows")

    report = feeds.run(path, on_error="skip-rows", resume=True)

    assert report.resumed
    assert [reject["code"] for reject in report.rejects] == ["components.unknown"]


@pytest.mark.parametrize("name", ["feed.csv", "feed.ndjson"])
def test_a_retirement_before_the_publication_is_refused(feeds: Feeds, name: str):
    rows = [("A", "n", "2027-01-01", "2026-01-01"), ("B", "n", "2026-01-01", "2026-01-01"),
            ("C", "n", "2026-01-01", "2027-01-01"), ("D", "n", "2027-01-01", "")]  # fmt: skip
    text = csv_text(WINDOW, *rows)
    if name.endswith("ndjson"):
        text = "\n".join(json.dumps(dict(zip(WINDOW.split(","), row, strict=True))) for row in rows)

    report = feeds.run(text, name, on_error="skip-rows")

    assert [(reject["sku"], reject["code"], reject["field"]) for reject in report.rejects] == [
        ("A", "schedule.invalid", "retire_at"), ("B", "schedule.invalid", "retire_at"),
    ]  # fmt: skip
    assert {record["sku"] for record in feeds.records()} == {"C", "D"}


def test_so_is_one_that_meets_its_publication_in_the_shop(feeds: Feeds):
    feeds.run(
        csv_text(WINDOW, ("A", "n", "2027-01-01", ""), ("B", "n", "", "2026-12-01"), ("C", "n", "2027-01-01", ""))
    )

    retired = feeds.run(csv_text("sku,retire_at", ("A", "2026-12-01"), ("C", "2027-06-01")), on_error="skip-rows")
    published = feeds.run(csv_text("sku,publish_at", ("B", "2027-01-01"), ("A", "")), on_error="skip-rows")

    assert [(reject["sku"], reject["field"]) for reject in retired.rejects] == [("A", "retire_at")]
    assert [(reject["sku"], reject["field"]) for reject in published.rejects] == [("B", "publish_at")]
    assert counted(published) == {"rows": 2, "updated": 1, "rejected": 1}
