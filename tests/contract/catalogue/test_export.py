"""The catalogue written out: exactly, at any moment, harmless to spreadsheets on request, and whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import openpyxl
import pytest

from shopctl.catalogue import exporting
from shopctl.catalogue.errors import NotForSpreadsheets
from shopctl.catalogue.exporting import COLUMNS, ExportRequest, Format
from shopctl.catalogue.service import CatalogueService
from shopctl.catalogue.stock import StockService
from shopctl.records.errors import NothingToWriteTo
from shopctl.records.outlet import NoRoom
from support.feeds import Feeds, counted, csv_text

FORMATS = ("csv", "ndjson", "json", "xlsx")
OWN_TEXTS = [
    " leading", "trailing ", "\ttab", "a\tb", "line\nfeed", "carriage\rreturn", "both\r\n", "\r", "\n", '"quoted"', '"',
    '""', "'", "a,b;c|d", "=1+1", "+1", "-1", "@sum(1)", "\t=1", "\r=1", "_x000D_", "_x005F_", "_xD83D_", "&lt;<b>&",
    "]]>", "\x0b\x0c\x1f", "\x7f\x80\x85", "\u2028\u2029", "\ufeff", "\ufffe\uffff", "e\u0301", "😀", "{", "[1", "null",
    "true", "1e5", "0012", "1,234", "2026-01-01", "#N/A", "x" * 2000,
]  # fmt: skip


def product_of(number: int, text: str) -> dict[str, Any]:
    """A product with the text in every field that takes any."""
    return {
        "sku": f"S{number:04}",
        "name": text if text.strip() else "n",
        "description": text,
        "brand": text[:255].strip(),
        "tax_class": text[:255].strip(),
        "options": {"k": text[:255] if text.strip() else "v"},
        "attributes": {"k": [text], "plain": text},
        "media": [{"url": "https://shop.example/a", "alt": text}],
    }


def check_texts(feeds: Feeds, texts: list[str]) -> None:
    """Texts come out of every format as they went in by NDJSON, or were refused by name."""
    lines = "".join(json.dumps(product_of(number, text)) + "\n" for number, text in enumerate(texts))
    report = feeds.run(lines, "texts.ndjson", on_error="skip-rows")
    expected = {f"S{number:04}": product_of(number, text) for number, text in enumerate(texts)}
    for reject in report.rejects:
        assert any(mark in expected.pop(reject["sku"])["description"] for mark in ("\0", "\ud800", "\udfff")), reject
    before = feeds.records()
    for record in before:
        wanted = expected.pop(record["sku"])
        assert {name: record[name] for name in wanted} == wanted
    assert not expected

    for kind in FORMATS:
        path = feeds.export(kind, f"texts.{kind}")
        again = feeds.run(path)
        assert counted(again) == {"rows": len(before), "unchanged": len(before)}, (kind, again.rejects)
        assert feeds.records() == before, kind


@pytest.mark.assure("S22", "S25")
def test_our_own_texts(feeds: Feeds):
    check_texts(feeds, OWN_TEXTS)


@pytest.mark.assure("S22", "S25")
def test_the_known_naughty_strings(feeds: Feeds, shared_data: Path):
    texts = json.loads((shared_data / "security" / "naughty-strings.json").read_text(encoding="utf-8"))
    assert len(texts) >= 515
    check_texts(feeds, texts)


@pytest.mark.assure("S25")
@pytest.mark.parametrize(
    "field",
    ["sku", "parent_sku", "category", "tags", "kind", "status", "price", "stock", "publish_at", "components"],
)
def test_naughty_strings_where_not_every_text_fits(feeds: Feeds, shared_data: Path, field: str):
    texts = json.loads((shared_data / "security" / "naughty-strings.json").read_text(encoding="utf-8")) + OWN_TEXTS
    for maker in ("ndjson", "csv"):
        if maker == "ndjson":
            feed = "".join(
                json.dumps({"sku": f"S{number}", "name": "n", field: text}) + "\n" for number, text in enumerate(texts)
            )
        else:
            rows = [{"sku": f"S{number}", "name": "n", field: text} for number, text in enumerate(texts)]
            feed = csv_text(list(rows[0]), *(list(row.values()) for row in rows))
        report = feeds.run(feed.encode("utf-8", "surrogatepass"), f"naughty.{maker}", on_error="skip-rows")
        counts = report.counts
        assert counts.rows == len(texts) or field == "sku"
        assert all(reject["code"] and reject["message"] and reject["line"] for reject in report.rejects)
    before = feeds.records()
    for kind in FORMATS:
        if before:
            assert feeds.run(feeds.export(kind, f"x.{kind}")).counts.unchanged == len(before), kind


@pytest.mark.assure("S22")
def test_no_cell_is_run_as_a_formula_where_that_is_asked_for(feeds: Feeds):
    dangerous = ["=1+1", "+1", "-1", "@sum(1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0"]
    harmless = ["1=1", " =1", "a-b", "'=1"]
    feeds.run(
        "".join(
            json.dumps({"sku": f"{number:02}", "name": text, "brand": text, "attributes": {"=k": text}}) + "\n"
            for number, text in enumerate(dangerous + harmless)
        ),
        "f.ndjson",
    )

    escaped = feeds.export("csv", "escaped.csv", escape_formulas=True)
    plain = feeds.export("csv", "plain.csv")

    with escaped.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(not cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row.values())
    assert [row["name"] for row in rows] == [f"'{text}" for text in dangerous] + harmless
    with plain.open(encoding="utf-8", newline="") as file:
        assert [row["name"] for row in csv.DictReader(file)] == dangerous + harmless


def test_a_sheet_holds_texts_only(feeds: Feeds):
    feeds.run('{"sku":"0012","name":"=1+1","brand":"x","stock":5,"price":"1.50"}', "f.ndjson")

    sheet = openpyxl.load_workbook(feeds.export("xlsx", "out.xlsx"))["products"]

    header, row = sheet.iter_rows()
    assert tuple(cell.value for cell in header) == COLUMNS
    values = {name: cell for name, cell in zip(COLUMNS, row, strict=True) if cell.value is not None}
    assert {cell.data_type for cell in values.values()} <= {"s", "inlineStr"}
    assert (values["sku"].value, values["name"].value, values["brand"].value) == ("0012", "=1+1", "x")
    assert (values["stock"].value, values["price"].value) == ("5", "1.50")


def test_a_text_too_long_for_a_sheet_is_told_and_leaves_no_file(feeds: Feeds):
    feeds.run(json.dumps({"sku": "LONG", "name": "n", "description": "x" * 32_768}), "f.ndjson")

    with pytest.raises(NotForSpreadsheets) as refused:
        feeds.export("xlsx", "out.xlsx")

    assert refused.value.message == (
        "XLSX cannot hold the product LONG: its description has 32768 characters, and a cell holds 32767."
    )
    assert refused.value.exit_code == 12
    assert sorted(path.name for path in feeds.folder.glob("out*")) == []


def test_more_products_than_a_sheet_has_rows_are_told(feeds: Feeds, monkeypatch: pytest.MonkeyPatch):
    from shopctl.catalogue import sheet_writing

    monkeypatch.setattr(sheet_writing, "SHEET_ROWS", 3)
    feeds.run("sku,name\nA,a\nB,b\n")
    feeds.export("xlsx", "out.xlsx")
    feeds.run("sku,name\nC,c\n")

    with pytest.raises(NotForSpreadsheets, match="a sheet holds 2 products"):
        feeds.export("xlsx", "more.xlsx")


@pytest.mark.parametrize("format", get_args(Format))
def test_products_that_a_rollback_removed_are_in_the_exports_of_the_past(feeds: Feeds, turned: Any, format: Format):
    first = "sku,parent_sku,name,price,stock,options.size\nA,,Shirt,1.00,,\nA-S,A,Shirt,1.00,5,S\nZ,,Mug,2.00,6,\n"
    second = first + "A-M,A,Shirt,1.00,3,M\nM,,Hat,3.00,1,\nM-1,M,Hat,3.00,1,L\n"
    feeds.run(first)
    turned.time += 1_000_000
    done = feeds.run(second)
    at, then = turned.time, feeds.export(format, f"then.{format}").read_bytes()
    turned.time += 1_000_000
    feeds.rollbacks.run(done.import_id)
    assert feeds.export(format, f"now.{format}").read_bytes() != then
    turned.time += 1_000_000
    feeds.run(second.replace("Hat", "Cap"))  # what was removed is there again, as another product

    assert feeds.export(format, f"past.{format}", at=at).read_bytes() == then


@pytest.mark.parametrize("format", FORMATS)
def test_the_past_is_exported_as_it_was_exported_then(
    feeds: Feeds, catalogue: CatalogueService, stock: StockService, turned: Any, format: str
):
    moments: list[tuple[int, bytes]] = []

    def taken() -> None:
        moments.append((turned.time, feeds.export(format, f"then.{format}").read_bytes()))
        turned.time += 1_000_000

    feeds.run("sku,name,price,stock,category\nA,a,1.00,5,Home\nB,b,2.00,6,\n")
    taken()
    catalogue.edit("A", ["name=Other", "price.EUR=3", "category=Home > Kitchen"])
    stock.adjust("A", -2)
    taken()
    feeds.run("sku,name,price,stock,category\nA,a,1.50,9,Home\nC,c,2.00,6,\n", prune=True)
    taken()
    catalogue.retire(["C"])
    taken()

    for moment, then in moments:
        assert feeds.export(format, f"now.{format}", at=moment).read_bytes() == then
    assert len({then for _, then in moments}) == 4
    assert not feeds.records(at=moments[0][0] - 1)


@pytest.mark.parametrize("format", FORMATS)
def test_an_empty_catalogue(feeds: Feeds, format: str):
    path = feeds.export(format, f"out.{format}")

    if format == "csv":
        assert path.read_text() == ",".join(COLUMNS) + "\n"
    elif format == "json":
        assert json.loads(path.read_text()) == []
    elif format == "ndjson":
        assert path.read_bytes() == b""
    else:
        assert openpyxl.load_workbook(path).active.max_row == 1


@pytest.mark.parametrize("format", FORMATS)
def test_a_place_that_cannot_be_written_is_told(feeds: Feeds, format: str):
    feeds.run("sku,name\nA,a\n")
    (feeds.folder / "folder").mkdir()
    for place in ("none/out", "folder"):
        with pytest.raises(NothingToWriteTo) as refused:
            feeds.export(format, place)
        assert refused.value.exit_code == 2
    assert list((feeds.folder / "folder").iterdir()) == []


@pytest.mark.parametrize("format", FORMATS)
def test_a_failure_on_the_way_leaves_the_old_file(feeds: Feeds, monkeypatch: pytest.MonkeyPatch, format: str):
    feeds.run("sku,name\nA,a\nB,b\n")
    old = feeds.export(format, "out").read_bytes()
    feeds.run("sku,name\nA,other\n")

    def full(product: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting, "cells", full)
    monkeypatch.setattr(exporting, "record", full)
    with pytest.raises(NoRoom) as refused:
        feeds.export(format, "out")

    assert refused.value.exit_code == 7
    assert (feeds.folder / "out").read_bytes() == old
    assert [path.name for path in feeds.folder.iterdir() if path.name.startswith("out")] == ["out"]


def test_a_link_goes_on_pointing_to_its_file_and_a_device_stays_one(feeds: Feeds):
    feeds.run("sku,name\nA,a\n")
    (feeds.folder / "link").symlink_to("real.csv")
    (feeds.folder / "null").symlink_to("/dev/null")
    os.mkfifo(feeds.folder / "pipe")
    reader = os.open(feeds.folder / "pipe", os.O_RDONLY | os.O_NONBLOCK)

    for place in ("link", "null", "pipe"):
        feeds.export("csv", place)

    assert os.read(reader, 1 << 16) == (feeds.folder / "real.csv").read_bytes() != b""
    os.close(reader)
    assert (feeds.folder / "link").is_symlink()
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_progress_is_told_on_the_way(feeds: Feeds):
    feeds.run("sku,name\n" + "".join(f"S{number},n\n" for number in range(2500)))
    told: list[int] = []

    count = feeds.exports.run(ExportRequest("csv", str(feeds.folder / "out.csv")), told.append).products

    assert (count, told) == (2500, [1000, 2000])


def test_csv_is_what_other_programs_read(feeds: Feeds, scale: Callable[[int, int], int]):
    feeds.run("".join(json.dumps(product_of(number, text)) + "\n" for number, text in enumerate(OWN_TEXTS)), "t.ndjson")

    text = feeds.export("csv", "out.csv").read_bytes().decode()

    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["description"] for row in rows] == OWN_TEXTS
