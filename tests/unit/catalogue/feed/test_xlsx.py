"""XLSX: what the sheet shows is what goes in."""

from __future__ import annotations

import gzip
import json
from datetime import datetime
from pathlib import Path

import pytest

from shopctl.catalogue.feed.errors import BadArchive, NoIdentityInSheet, NoRows, NoRowsInSheet
from shopctl.catalogue.feed.workbook import number_text, unescaped
from unit.catalogue.feed.conftest import Reader
from unit.catalogue.feed.workbooks import MAIN, number, sheet, text, workbook

HEAD = text("SKU") + text("Name") + text("Price") + text("Currency") + text("Stock") + text("Released")


def product(*cells: str) -> bytes:
    return workbook(sheet([HEAD, "".join(cells)]))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_row(read: Reader, pack: object) -> None:
    cells = (
        text("A-1"),
        text("Größe <5 €>\nzwei"),
        number("19.989999999999998"),
        text("EUR"),
        number("5"),
        number("46350", 1),
    )
    feed = read(pack(product(*cells)))  # type: ignore[operator]

    assert feed.feed.format == "xlsx"
    assert feed["A-1"]["name"] == "Größe <5 €>\nzwei"
    assert feed["A-1"]["prices"] == (("EUR", 1999, "default", 1, 0, None),)
    assert feed["A-1"]["stock"] == (("default", 5),)
    assert feed["A-1"]["extra"] == '{"released":"2026-11-24"}'
    assert feed["A-1"]["line"] == 2


@pytest.mark.parametrize(
    ("value", "is_date", "shown"),
    [
        ("19.99", False, "19.99"),
        ("0.30000000000000004", False, "0.3"),
        ("1E-3", False, "0.001"),
        ("1.5E+3", False, "1500"),
        ("4006381333931", False, "4006381333931"),
        ("-5", False, "-5"),
        ("1.0", False, "1"),
        ("46350", True, "2026-11-24"),
        ("46350.5", True, "2026-11-24T12:00:00"),
        ("46350.56527777778", True, "2026-11-24T13:34:00"),
        ("0.25", True, "06:00:00"),
        ("1", True, "1900-01-01"),
        ("59", True, "1900-02-28"),
        ("59.5", True, "1900-02-28T12:00:00"),
        ("61", True, "1900-03-01"),
        ("-1", True, "-1"),
        ("99999999", True, "99999999"),
        ("NaN", False, "NaN"),
        ("1e999999999", False, "1e999999999"),
        ("oops", False, "oops"),
    ],
)
def test_numbers_and_dates(value: str, is_date: bool, shown: str) -> None:
    assert number_text(value, is_date) == shown


def test_dates_by_style(read: Reader) -> None:
    head = text("sku") + "".join(text(f"style_{style}") for style in range(6))
    row = text("A") + "".join(number("46350.5", style) for style in range(6))
    extra = read(workbook(sheet([head, row])))["A"]["extra"]

    assert extra.count("2026-11-24T12:00:00") == 4
    assert '"style_0":"46350.5"' in extra
    assert '"style_3":"46350.5"' in extra


@pytest.mark.parametrize(("days", "shown"), [("1.25", "30:00:00"), ("0.25", "06:00:00"), ("-1", "-1"), ("x", "x")])
def test_durations_are_no_dates(read: Reader, days: str, shown: str) -> None:
    head = text("sku") + text("set") + text("built_in") + text("coloured")
    row = text("A") + number(days, 6) + number(days, 7) + number(days, 8)

    assert json.loads(read(workbook(sheet([head, row])))["A"]["extra"]) == {
        "set": shown, "built_in": shown, "coloured": days,
    }  # fmt: skip


def test_a_first_sheet_without_rows_is_named_with_the_others(read: Reader) -> None:
    others = '<sheet name="Prices" sheetId="3" r:id="rId2"/><sheet name="Old" sheetId="4" state="hidden" r:id="rId3"/>'

    with pytest.raises(NoRowsInSheet) as refused:
        read(workbook(sheet([text("Notes only")]), sheets=others))

    assert refused.value.exit_code == 12
    assert "'Products'" in refused.value.message
    assert "the others, 'Prices', are not read" in refused.value.message


def test_a_cover_with_rows_is_named_with_the_others(read: Reader) -> None:
    others = '<sheet name="Prices" sheetId="3" r:id="rId2"/>'

    with pytest.raises(NoIdentityInSheet) as refused:
        read(workbook(sheet([text("Price list"), text("Spring")]), sheets=others))

    assert refused.value.exit_code == 12
    assert "in its sheet 'Products'" in refused.value.message
    assert "the others, 'Prices', are not read" in refused.value.message
    assert "Price list" in refused.value.advice


def test_the_other_epoch(read: Reader) -> None:
    content = workbook(
        sheet([text("sku") + text("day"), text("A") + number("44888", 1)]), properties='<workbookPr date1904="1"/>'
    )

    assert read(content)["A"]["extra"] == '{"day":"2026-11-24"}'


def test_shared_strings_rich_text_and_escapes(read: Reader) -> None:
    strings = (
        f'<sst xmlns="{MAIN}"><si><t>sku</t></si><si><t>name</t></si><si><t>A</t></si>'
        "<si><r><t>Big </t></r><r><rPr/><t>mug</t></r><rPh><t>hint</t></rPh></si>"
        "<si><t>a_x000D_b _x005F_x0041_</t></si></sst>"
    )
    rows = ['<c t="s"><v>0</v></c><c t="s"><v>1</v></c><c t="inlineStr"><is><t>note</t></is></c>']
    rows.append('<c t="s"><v>2</v></c><c t="s"><v>3</v></c><c t="s"><v>4</v></c>')
    feed = read(workbook(sheet(rows), strings=strings))

    assert feed["A"]["name"] == "Big mug"
    assert feed["A"]["extra"] == '{"note":"a\\rb _x0041_"}'


def test_cells_and_rows_are_where_their_references_say(read: Reader) -> None:
    body = (
        '<row r="3"><c r="B3" t="str"><v>sku</v></c><c r="D3" t="str"><v>name</v></c></row>'
        '<row r="7"><c r="B7" t="b"><v>1</v></c><c r="D7" t="str"><v>Mug</v></c></row>'
        '<row r="9"/><row r="10"><c r="B10"><v>12</v></c><c r="D10" t="str"><v>Cup</v></c></row>'
    )
    feed = read(workbook(f'<worksheet xmlns="{MAIN}"><sheetData>{body}</sheetData></worksheet>'))

    assert [(row[0], row[2], row[6]) for row in feed.rows] == [(7, "true", "Mug"), (10, "12", "Cup")]


def test_error_values_are_named(read: Reader) -> None:
    feed = read(product(text("A"), '<c t="e"><v>#REF!</v></c>'))

    assert feed.codes == [(2, "cell.error")]
    assert "#REF!" in feed.rejects[0].message


def test_known_rows_and_resuming(read: Reader) -> None:
    content = workbook(sheet([text("sku") + text("name"), *(text(f"A{number}") + text("x") for number in range(1200))]))
    first = read(content)

    assert len(first.rows) == 1200
    assert read(content, known=[row[1] for row in first.rows]).known == [(row[0], row[1]) for row in first.rows]
    assert read(content, start_line=first.lines[0]).rows == [row for row in first.rows if row[0] > first.lines[0]]


def test_a_workbook_of_a_spreadsheet_library(read: Reader, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["SKU", "Name", "Price", "Currency", "Stock", "Made", "EAN"])
    book.active.append(
        [
            "A",
            "Mug €",
            19.99,
            "EUR",
            5,
            datetime(2026, 11, 24, 13, 34),  # noqa: DTZ001
            4006381333931,
        ]
    )
    book.active.append(["B", "Cup", 0.1 + 0.2, "EUR", 5.0, None, "0012"])
    book.save(tmp_path / "book.xlsx")
    feed = read(tmp_path / "book.xlsx")

    assert feed["A"]["prices"][0][1] == 1999
    assert feed["A"]["extra"] == '{"ean":"4006381333931","made":"2026-11-24T13:34:00"}'
    assert feed["B"]["prices"][0][1] == 30


def test_characters_that_xml_cannot_hold() -> None:
    assert unescaped("a_x0007_b_x005F_x0007_") == "a\x07b_x0007_"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (workbook(sheet([])), NoRows),
        (workbook(sheet([HEAD])), NoRows),
        (workbook("<worksheet><sheetData><row>"), BadArchive),
        (workbook("not xml"), BadArchive),
        (product(text("A"))[:-30], BadArchive),
        (product(text("A"))[:600], BadArchive),
        (workbook(sheet([HEAD, '<c t="s"><v>5</v></c>'])), BadArchive),
        (workbook(sheet([HEAD, '<c r="XFE1"><v>5</v></c>'])), BadArchive),
    ],
)
def test_a_damaged_workbook_is_refused(read: Reader, content: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        read(content)
