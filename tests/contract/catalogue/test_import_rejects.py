"""Rows that are not valid: named with line, field, code and reason, and written so that they can be corrected."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import openpyxl
import pytest

from shopctl.catalogue.importing.errors import NothingUsable, RejectsUnwritable, RowsRejected, RowsSkipped
from shopctl.catalogue.importing.request import Report
from shopctl.records.errors import BrokenFeed
from shopctl.storage.database import Database
from support.feeds import Feeds, assert_counted, content, counted, csv_text

HEADER = "sku,name,price,parent_sku"
GOOD = [(f"G{number}", "Good", "1.00", "") for number in range(3)]
BAD = ("BAD", "Bad", "1.999", "")
JOURNAL = ["catalogue_import", "import_reject", "feed"]


@pytest.fixture(params=["direct", "staged"])
def mode(request: pytest.FixtureRequest, feeds: Feeds) -> str:
    """Both ways in; a shop that is not empty takes the second."""
    if request.param == "staged":
        feeds.run("sku,name\nZ,Zebra\n")
    return request.param


def feed_of(mode: str, *rows: tuple[str, ...]) -> str:
    # A feed that can name parents is always staged.
    return csv_text(HEADER, *rows) if mode == "staged" else csv_text("sku,name,price", *(row[:3] for row in rows))


def corrected(report: Report, wrong: str, right: str) -> Path:
    assert report.rejects_file
    path = Path(report.rejects_file)
    data = path.read_bytes()
    assert wrong.encode() in data
    path.write_bytes(data.replace(wrong.encode(), right.encode()))
    return path


def test_one_bad_row_refuses_the_file_and_nothing_is_changed(feeds: Feeds, database: Database, mode: str):
    before = content(database, without=JOURNAL)

    report = feeds.run(feed_of(mode, *GOOD, BAD, ("WORSE", "", "1.00", "")))

    assert content(database, without=JOURNAL) == before
    assert report.refused
    assert counted(report) == {"rows": 5, "rejected": 2}
    assert [(reject["line"], reject["sku"], reject["field"]) for reject in report.rejects] == [
        (5, "BAD", "price"),
        (6, "WORSE", "name"),
    ]
    with pytest.raises(RowsRejected) as refused:
        report.raise_for_rejects()
    assert refused.value.exit_code == 12
    assert feeds.service.list(1)[0].state == "refused"


def test_the_good_rows_go_in_where_that_is_asked_for(feeds: Feeds, mode: str):
    report = feeds.run(feed_of(mode, *GOOD, BAD), on_error="skip-rows")

    assert_counted(report)
    assert counted(report) == {"rows": 4, "created": 3, "rejected": 1}
    assert {"G0", "G1", "G2"} <= {record["sku"] for record in feeds.records()}
    with pytest.raises(RowsSkipped) as skipped:
        report.raise_for_rejects()
    assert skipped.value.exit_code == 6


def test_nothing_but_bad_rows_is_refused_even_so(feeds: Feeds, database: Database, mode: str):
    before = content(database, without=JOURNAL)

    report = feeds.run(feed_of(mode, BAD, BAD), on_error="skip-rows")

    assert content(database, without=JOURNAL) == before
    with pytest.raises(NothingUsable) as refused:
        report.raise_for_rejects()
    assert refused.value.exit_code == 12
    assert report.rejects[0]["message"] in refused.value.advice


def test_bad_rows_that_a_bad_row_replaced_leave_nothing_either(feeds: Feeds):
    report = feeds.run(csv_text(HEADER, ("V", "v", "1", "NONE"), ("V", "w", "1", "NONE")), on_error="skip-rows")

    assert counted(report) == {"rows": 2, "rejected": 1, "superseded": 1}
    with pytest.raises(NothingUsable):
        report.raise_for_rejects()


def test_a_reject_has_the_shape_scripts_read(feeds: Feeds, mode: str):
    report = feeds.run(feed_of(mode, *GOOD, BAD), on_error="skip-rows")

    (reject,) = report.as_dict()["rejects"]
    assert list(reject) == ["line", "sku", "field", "code", "message", "row"]
    assert (reject["line"], reject["sku"], reject["field"]) == (5, "BAD", "price")
    assert reject["code"].startswith("price.")
    assert reject["row"][:3] == ["BAD", "Bad", "1.999"]


def test_the_rejects_file_can_be_corrected_and_imported(feeds: Feeds, mode: str):
    report = feeds.run(feed_of(mode, *GOOD, ("BAD", ' "=Bad", \r\n', "1.999", "")), on_error="skip-rows")
    path = corrected(report, "1.999", "1.99")
    assert path.stat().st_mode & 0o777 == 0o600

    again = feeds.run(path)

    again.raise_for_rejects()
    assert counted(again) == {"rows": 1, "created": 1}
    assert feeds.record("BAD")["name"] == ' "=Bad", \r\n'
    assert feeds.record("BAD")["prices"] == [{"currency": "USD", "amount": "1.99"}]


def test_rejects_of_ndjson(feeds: Feeds):
    lines = [{"sku": "A", "name": "a", "price": 1}, {"sku": "B", "name": 'ü, "b"', "price": 1.999, "x": {"y": [1.5]}}]
    report = feeds.run("\n".join(json.dumps(line) for line in lines), "feed.ndjson", on_error="skip-rows")

    assert report.rejects[0]["line"] == 2
    again = feeds.run(corrected(report, "1.999", "1.99"))

    again.raise_for_rejects()
    assert feeds.record("B")["name"] == 'ü, "b"'
    assert feeds.record("B")["attributes"] == {"x": {"y": [1.5]}}


def test_rejects_of_json(feeds: Feeds):
    report = feeds.run(
        json.dumps([{"sku": "A", "name": "a"}, {"sku": "B", "name": ""}]), "feed.json", on_error="skip-rows"
    )

    assert (report.rejects[0]["line"], report.rejects[0]["code"]) == (2, "name.missing")
    feeds.run(corrected(report, '""name"": """"', '""name"": ""b""')).raise_for_rejects()
    assert feeds.record("B")["name"] == "b"


@pytest.mark.parametrize("name", ["feed.json", "feed.ndjson"])
def test_rejects_written_elsewhere_belong_to_their_feed(feeds: Feeds, name: str):
    records = [json.dumps({"sku": "A", "name": "a"}), json.dumps({"sku": "B", "name": ""})]
    content = f"[{','.join(records)}]" if name == "feed.json" else "\n".join(records)
    elsewhere = feeds.folder / "mended.csv"
    feeds.run(content, name, on_error="skip-rows", rejects=str(elsewhere))
    elsewhere.write_text(elsewhere.read_text().replace('""name"": """"', '""name"": ""b""'))

    feeds.run(elsewhere).raise_for_rejects()

    assert feeds.value("select count(*) from feed_record") == 2
    assert feeds.value("select count(distinct feed_id) from catalogue_import") == 1


def test_rejects_of_xlsx(feeds: Feeds):
    book = openpyxl.Workbook()
    for row in (["sku", "name", "price"], ["A", "a", 1], ["B", "b", "1.999"]):
        book.active.append(row)
    path = feeds.folder / "feed.xlsx"
    book.save(path)

    report = feeds.run(path, on_error="skip-rows")

    assert (report.rejects[0]["line"], report.rejects[0]["row"]) == (3, ["B", "b", "1.999"])
    feeds.run(corrected(report, "1.999", "1.99")).raise_for_rejects()
    assert feeds.record("B")["prices"] == [{"currency": "USD", "amount": "1.99"}]


def test_a_row_that_is_no_text_is_named_all_the_same(feeds: Feeds, mode: str):
    feed = feed_of(mode, *GOOD, ("N", "n\0", "1", ""), ("ä" * 300, "long", "1", "")).encode() + b"\xff\xfe,x,1,\n"

    report = feeds.run(feed, on_error="skip-rows")

    assert counted(report) == {"rows": 6, "created": 3, "rejected": 3}
    assert report.rejects_file
    with open(report.rejects_file, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert [row[0] for row in rows] == ["line", "5", "6", "7"]


@pytest.mark.parametrize("place", ["none/rejects.csv", ".", "feed.csv"])
def test_rejects_that_cannot_be_written_are_refused_before_anything_happens(
    feeds: Feeds, database: Database, place: str
):
    before = content(database)

    with pytest.raises(RejectsUnwritable) as refused:
        feeds.run(csv_text("sku,name", ("A", "a"), ("B", "")), rejects=str(feeds.folder / place))

    assert refused.value.exit_code == 2
    assert content(database) == before
    assert "A,a" in (feeds.folder / "feed.csv").read_text()


def test_rejects_go_to_a_device_without_replacing_it(feeds: Feeds):
    device = feeds.folder / "device"
    device.symlink_to("/dev/null")

    report = feeds.run(csv_text("sku,name", ("A", "a"), ("B", "")), on_error="skip-rows", rejects=str(device))

    assert report.counts.rejected == 1
    assert device.is_symlink()
    assert Path("/dev/null").is_char_device()


# Parents and what a row lost in the stage.


def test_a_parent_may_stand_below_its_variants(feeds: Feeds):
    report = feeds.run(csv_text(HEADER, ("V1", "v", "1", "P"), ("V2", "v", "1", "P"), ("P", "p", "", "")))

    assert counted(report) == {"rows": 3, "created": 3}
    assert feeds.record("V1")["parent_sku"] == "P"


@pytest.mark.parametrize("name", ["feed.csv", "feed.ndjson", "feed.xlsx"])
def test_a_variant_without_its_parent_is_rejected_with_its_raw_row(feeds: Feeds, name: str):
    header = ["Name", "SKU", "price", "parent_sku", "Shade"]
    rows = [["a", "A", "01.50", "", "x"], [" v ", "V", "1,234.50", "P", " [1, 2] "], ["w", "W", "3", "V", ""]]
    if name.endswith("xlsx"):
        book = openpyxl.Workbook()
        for row in (header, *rows):
            book.active.append(row)
        book.save(feeds.folder / name)
        feed: Path | str = feeds.folder / name
    elif name.endswith("ndjson"):
        feed = "\n".join(json.dumps(dict(zip(header, row, strict=True))) for row in rows)
    else:
        feed = csv_text(header, *rows)

    report = feeds.run(feed, name, on_error="skip-rows")

    assert_counted(report)
    assert counted(report) == {"rows": 3, "created": 1, "rejected": 2}
    assert [(reject["sku"], reject["field"]) for reject in report.rejects] == [("V", "parent_sku"), ("W", "parent_sku")]
    assert report.rejects[0]["code"] == "parent.unknown"
    raw = report.rejects[0]["row"]
    assert (json.loads(raw[0]) if name.endswith("ndjson") else dict(zip(header, raw, strict=True))) == dict(
        zip(header, rows[1], strict=True)
    )
    assert report.rejects_file
    path = Path(report.rejects_file)
    with path.open(encoding="utf-8", newline="") as file:
        assert len(list(csv.reader(file))) == 3
    with path.open("a", encoding="utf-8", newline="") as file:
        line = ["9", "", "", "", ""]
        parent = {"Name": "p", "SKU": "P", "price": "1", "parent_sku": "", "Shade": ""}
        csv.writer(file).writerow(line + ([json.dumps(parent)] if name.endswith("ndjson") else list(parent.values())))
    again = feeds.run(path, on_error="skip-rows")
    assert counted(again) == {"rows": 3, "created": 2, "rejected": 1}, "a variant of a variant stays out"
    assert feeds.record("V")["parent_sku"] == "P"
    assert feeds.record("V")["prices"] == [{"currency": "USD", "amount": "1234.50"}]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([("A", "a", "", "A")], "its own parent"),
        ([("A", "a", "", "B"), ("B", "b", "", "A")], "is a variant itself"),
        ([("V", "v", "", "SHOP-V")], "is a variant itself"),
        ([("SHOP-P", "p", "", "SHOP-Q")], "has variants of its own"),
    ],
)
def test_variants_are_one_level_deep(feeds: Feeds, rows: list[tuple[str, ...]], reason: str):
    feeds.run(csv_text(HEADER, ("SHOP-P", "p", "", ""), ("SHOP-V", "v", "", "SHOP-P"), ("SHOP-Q", "q", "", "")))

    report = feeds.run(csv_text(HEADER, *rows, ("OK", "ok", "", "SHOP-Q")), on_error="skip-rows")

    assert report.counts.rejected == len(rows)
    assert all(reject["code"] == "parent.invalid" for reject in report.rejects)
    assert reason in report.rejects[0]["message"]
    assert feeds.record("OK")["parent_sku"] == "SHOP-Q"
    assert feeds.record("SHOP-P")["parent_sku"] == ""


def test_a_family_may_be_turned_around_in_one_file(feeds: Feeds):
    feeds.run(csv_text(HEADER, ("A", "a", "", ""), ("B", "b", "", "A")))

    report = feeds.run(csv_text(HEADER, ("A", "a", "", "B"), ("B", "b", "", "")))

    assert counted(report) == {"rows": 2, "updated": 2}
    assert feeds.record("A")["parent_sku"] == "B"


# A file that turns out to be broken further down.


def broken_feeds() -> list[tuple[str, bytes]]:
    import gzip

    rows = csv_text("sku,name,note", *((f"S{number}", "n", "x" * 200) for number in range(3000))).encode()
    records = [json.dumps({"sku": f"S{number}", "name": "n", "note": "x" * 200}) for number in range(3000)]
    return [
        ("feed.csv.gz", gzip.compress(rows, mtime=0)[:-400]),
        ("feed.json", f"[{','.join(records)},".encode()),
        ("feed.json", f"[{','.join(records)}}}".encode()),
        ("feed.csv", rows + b"S9999," + b"y" * (5 << 20)),
    ]


@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize("on_error", ["reject-file", "skip-rows"])
def test_a_file_that_breaks_at_its_end_changes_nothing(
    feeds: Feeds, database: Database, mode: str, which: int, on_error: str
):
    name, data = broken_feeds()[which]
    before = content(database, without=JOURNAL)

    with pytest.raises(BrokenFeed) as refused:
        feeds.run(data, name, on_error=on_error, prune=True)

    assert refused.value.exit_code == 12
    assert content(database, without=JOURNAL) == before
    listed = feeds.service.list(1)[0]
    assert (listed.state, listed.created) == ("refused", 0)
