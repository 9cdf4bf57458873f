"""Reads the first sheet of an XLSX workbook (ECMA-376) row by row in bounded memory, trusting nothing in it.

Libraries build trees or dense ranges, which a few hundred packed kilobytes can blow up; this reads the XML as events.
"""

from __future__ import annotations

import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Context, Decimal, DecimalException
from typing import BinaryIO, NamedTuple
from xml.parsers import expat

from shopctl.catalogue.feed.errors import BadArchive
from shopctl.records.errors import Bomb
from shopctl.records.source import Limits

_CHUNK = 64 << 10
_MOST_PARTS = 10_000
_MOST_DIRECTORY_BYTES = 2 << 20
_MOST_ROWS, _MOST_COLUMNS = 1_048_576, 16_384  # of the format itself
_RATIO_FROM = 8 << 20
_DATE_FORMATS = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}  # built in, section 18.8.30
_LITERALS = re.compile(r'"[^"]*"|\\.|_.|\[(?!(?:h+|m+|s+)\])[^\]]*\]', re.IGNORECASE)
_ELAPSED = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)  # 30 hours are [h]:mm 30:00 and no day in 1900
_ELAPSED_FORMAT = 46  # built in: [h]:mm:ss
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")  # ST_Xstring, section 22.9.2.19
# Excel keeps 15 digits and shows them; the file may say 19.989999999999998 for the 19.99 that was typed.
_FIFTEEN_DIGITS = Context(prec=15)


class SheetRow(NamedTuple):
    """One row of a sheet."""

    number: int  # as the spreadsheet counts
    cells: list[str]
    error: str  # the first error value in it, such as #REF!


class Workbook:
    """An opened workbook. Raises BadArchive, Bomb."""

    def __init__(self, file: BinaryIO, name: str, limits: Limits) -> None:
        self.name = name
        self.limits = limits
        try:
            self._check_directory(file)
            self.archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, struct.error, NotImplementedError) as problem:
            raise self._bad(str(problem)) from None
        self.parts = {part.filename: part for part in self.archive.infolist()}
        for part in self.parts.values():
            self._check_part(part)
        self.sheet, self.title, self.others = self._first_sheet()
        self.dates, self.durations = self._date_styles()
        self.epoch_1904 = self._uses_1904()
        self.strings = self._shared_strings()

    def _bad(self, detail: str) -> BadArchive:
        return BadArchive(file=self.name, detail=detail)

    def _check_directory(self, file: BinaryIO) -> None:
        """Look at the end of the archive before its directory is read into memory."""
        size = file.seek(0, 2)
        file.seek(max(0, size - 65_557))
        tail = file.read(65_557)
        at = tail.rfind(b"PK\x05\x06")
        if at < 0:
            raise self._bad("the ZIP archive is incomplete")
        entries, directory = struct.unpack("<HI", tail[at + 10 : at + 16])
        if entries > _MOST_PARTS or directory > _MOST_DIRECTORY_BYTES:
            raise self._bad("the ZIP archive has too many parts")
        file.seek(0)

    def _check_part(self, part: zipfile.ZipInfo) -> None:
        name = part.filename
        if name.startswith(("/", "\\")) or ":" in name or ".." in re.split(r"[/\\]", name):
            raise self._bad(f"a part is called {name[:60]!r}")
        if stat.S_ISLNK(part.external_attr >> 16):
            raise self._bad(f"the part {name[:60]!r} is a symbolic link")
        if part.flag_bits & 1:
            raise self._bad("the workbook is protected by a password")
        unpacked = part.file_size
        if (
            unpacked > self.limits.sheet_bytes
            or unpacked > _RATIO_FROM
            and unpacked > part.compress_size * self.limits.ratio
        ):
            raise Bomb(file=self.name, detail=f"{name[:60]}: {part.compress_size} to {unpacked} bytes")

    def _events(
        self,
        part: str,
        start: Callable[[str, dict[str, str]], None],
        end: Callable[[str], None],
        data: Callable[[str], None],
    ) -> Iterator[None]:
        """Parse a part, pausing after each chunk. A document type (entities, external files) is refused."""

        def doctype(*_: object) -> None:
            raise self._bad(f"{part} declares a document type")

        parser = expat.ParserCreate(namespace_separator="}")
        parser.StartDoctypeDeclHandler = doctype
        parser.StartElementHandler = lambda tag, attributes: start(tag.rpartition("}")[2], attributes)
        parser.EndElementHandler = lambda tag: end(tag.rpartition("}")[2])
        parser.CharacterDataHandler = data
        parser.buffer_text = True
        try:
            with self.archive.open(self.parts[part]) as stream:
                while chunk := stream.read(_CHUNK):
                    parser.Parse(chunk, False)
                    yield
                parser.Parse(b"", True)
            yield
        except (
            expat.ExpatError,
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            NotImplementedError,
            RuntimeError,
        ) as problem:
            raise self._bad(f"{part}: {problem}") from None

    def _small(self, part: str, start: Callable[[str, dict[str, str]], None]) -> None:
        """Parse a part that describes others; 4 MiB are plenty for it."""
        if part in self.parts:
            if self.parts[part].file_size > 4 << 20:
                raise self._bad(f"{part} is too large")
            for _ in self._events(part, start, lambda tag: None, lambda text: None):
                pass

    def _first_sheet(self) -> tuple[str, str, list[str]]:
        """The part of the first visible sheet, its name, and the names of the other visible ones."""
        sheets: dict[str, str] = {}
        targets: dict[str, str] = {}

        def sheet(tag: str, attributes: dict[str, str]) -> None:
            if tag == "sheet" and attributes.get("state", "visible") == "visible":
                identifier = next((value for key, value in attributes.items() if key.endswith("}id")), "")
                sheets[identifier] = attributes.get("name", "")

        def relation(tag: str, attributes: dict[str, str]) -> None:
            if tag == "Relationship" and attributes.get("TargetMode") != "External":
                targets[attributes.get("Id", "")] = attributes.get("Target", "")

        self._small("xl/workbook.xml", sheet)
        self._small("xl/_rels/workbook.xml.rels", relation)
        for identifier in sheets:
            target = targets.get(identifier, "")
            part = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
            if part in self.parts:
                return part, sheets.pop(identifier), list(sheets.values())
        raise self._bad("it is no workbook, or has no visible sheet")

    def _uses_1904(self) -> bool:
        found: list[bool] = []

        def start(tag: str, attributes: dict[str, str]) -> None:
            if tag == "workbookPr":
                found.append(attributes.get("date1904") in ("1", "true"))

        self._small("xl/workbook.xml", start)
        return any(found)

    def _date_styles(self) -> tuple[set[int], set[int]]:
        """The cell styles (indices) that show a number as a date, and among them those that show a duration."""
        formats: set[int] = set(_DATE_FORMATS)
        elapsed = {_ELAPSED_FORMAT}
        styles: list[int] = []
        inside: list[str] = []

        def start(tag: str, attributes: dict[str, str]) -> None:
            if tag == "numFmt":
                code = _LITERALS.sub("", attributes.get("formatCode", ""))
                if re.search("[ymdhs]", code, re.IGNORECASE):
                    formats.add(int(attributes.get("numFmtId", "0")))
                if _ELAPSED.search(code):
                    elapsed.add(int(attributes.get("numFmtId", "0")))
            elif tag in ("cellXfs", "cellStyleXfs"):
                inside[:] = [tag]
            elif tag == "xf" and inside == ["cellXfs"]:
                styles.append(int(attributes.get("numFmtId", "0")))
            elif tag != "xf" and tag not in ("alignment", "protection"):
                inside.clear()

        try:
            self._small("xl/styles.xml", start)
        except ValueError:
            raise self._bad("xl/styles.xml has a number that is none") from None
        shown = list(enumerate(styles))
        return {index for index, style in shown if style in formats}, {
            index for index, style in shown if style in elapsed
        }

    def _shared_strings(self) -> list[str]:
        part = "xl/sharedStrings.xml"
        if part not in self.parts:
            return []
        if self.parts[part].file_size > self.limits.shared_strings_bytes:
            raise Bomb(file=self.name, detail=f"its texts take more than {self.limits.shared_strings_bytes} bytes")
        strings: list[str] = []
        text = _TextOf("si", strings.append)
        for _ in self._events(part, text.start, text.end, text.data):
            pass
        return strings

    def rows(self) -> Iterator[SheetRow]:
        """The rows that are not blank, in order. Raises BadArchive, Bomb."""
        sheet = _Sheet(self)
        for _ in self._events(self.sheet, sheet.start, sheet.end, sheet.data):
            rows, sheet.rows = sheet.rows, []
            yield from rows


class _TextOf:
    """Collects the text of an element from its <t> parts, leaving out phonetic hints."""

    def __init__(self, element: str, emit: Callable[[str], None]) -> None:
        self.element = element
        self.emit = emit
        self.parts: list[str] = []
        self.taking = self.phonetic = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == self.element:
            self.parts = []
        elif tag == "rPh":
            self.phonetic = True
        elif tag == "t":
            self.taking = not self.phonetic

    def end(self, tag: str) -> None:
        if tag == "t":
            self.taking = False
        elif tag == "rPh":
            self.phonetic = False
        elif tag == self.element:
            self.emit(unescaped("".join(self.parts)))

    def data(self, text: str) -> None:
        if self.taking:
            self.parts.append(text)


class _Sheet:
    """Receives the events of a sheet and makes rows of them."""

    def __init__(self, book: Workbook) -> None:
        self.book = book
        self.rows: list[SheetRow] = []
        self.number = 0
        self.cells: list[str] = []
        self.size = 0
        self.error = ""
        self.column = 0
        self.type = self.style = ""
        self.text: list[str] = []
        self.taking = self.phonetic = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "c":
            reference = attributes.get("r", "")
            self.column = _column(reference) if reference else len(self.cells)
            if self.column >= _MOST_COLUMNS or self.column < len(self.cells):
                raise self.book._bad(f"a cell is called {reference[:20]!r}")
            self.type, self.style = attributes.get("t", "n"), attributes.get("s", "")
            self.text = []
        elif tag == "v" or tag == "t" and not self.phonetic:
            self.taking = True
        elif tag == "rPh":
            self.phonetic = True
        elif tag == "row":
            number = attributes.get("r", "")
            self.number = int(number) if number.isdecimal() and len(number) < 8 else self.number + 1
            self.cells, self.error, self.size = [], "", 0
            if self.number > _MOST_ROWS:
                raise self.book._bad("it has more rows than a sheet can have")

    def data(self, text: str) -> None:
        if self.taking:
            self.text.append(text)
            self._grow(len(text))

    def _grow(self, characters: int) -> None:
        self.size += characters
        if self.size > 2 * self.book.limits.record_bytes:  # texts count as they come and as cells
            raise Bomb(
                file=self.book.name,
                detail=f"row {self.number} is longer than {self.book.limits.record_bytes} characters",
            )

    def end(self, tag: str) -> None:
        if tag in ("v", "t"):
            self.taking = False
        elif tag == "rPh":
            self.phonetic = False
        elif tag == "c":
            if value := self._value("".join(self.text)):
                self.cells += [""] * (self.column - len(self.cells))
                self.cells.append(value)
                self._grow(len(value))
        elif tag == "row" and any(self.cells):
            self.rows.append(SheetRow(self.number, self.cells, self.error))
            self.cells = []

    def _value(self, text: str) -> str:
        if self.type == "s":
            index = int(text) if text.isdecimal() and len(text) < 10 else -1
            if not 0 <= index < len(self.book.strings):
                raise self.book._bad(f"row {self.number} points to a text that is not there")
            return self.book.strings[index]
        if self.type in ("inlineStr", "str"):
            return unescaped(text)
        if self.type == "b":
            return {"1": "true", "0": "false"}.get(text.strip(), text)
        if self.type == "e":
            self.error = self.error or text
            return text
        if self.type == "d":
            return text.strip()
        style = int(self.style) if self.style.isdecimal() and len(self.style) < 8 else -1
        if style in self.book.durations:
            return duration_text(text.strip())
        return number_text(text.strip(), style in self.book.dates, self.book.epoch_1904)


def _column(reference: str) -> int:
    """`AB12` -> 27."""
    index = 0
    for letter in reference[:4]:
        if not "A" <= letter <= "Z":
            break
        index = index * 26 + ord(letter) - 64
    return index - 1 if index else _MOST_COLUMNS


def unescaped(text: str) -> str:
    """Characters that XML cannot hold are written as _x0007_."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


def number_text(text: str, is_date: bool, epoch_1904: bool = False) -> str:
    """A number as the sheet means it: plain digits ("19.99"), or an ISO 8601 date, time or both."""
    if not is_date and text.isdecimal():
        return text
    try:
        value = _FIFTEEN_DIGITS.create_decimal(text)
    except DecimalException:
        return text
    if not value.is_finite() or abs(value.adjusted()) > 300:
        return text
    if is_date and 0 <= value < 2_958_466:  # the last day of 9999
        return _date_text(value, epoch_1904)
    plain = format(value, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def duration_text(text: str) -> str:
    """Days as hours, minutes and seconds: "1.25" is "30:00:00"."""
    try:
        days = _FIFTEEN_DIGITS.create_decimal(text)
    except DecimalException:
        return text
    if not days.is_finite() or not 0 <= days < 2_958_466:
        return number_text(text, False)
    minutes, seconds = divmod(int((days * 86400).to_integral_value()), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"


def _date_text(value: Decimal, epoch_1904: bool) -> str:
    seconds = timedelta(seconds=int((value * 86400).to_integral_value()))
    # Sheets count a 29 February 1900 that never was (kept from Lotus 1-2-3), so earlier days lie one day later.
    if not epoch_1904 and 1 <= value < 60:
        seconds += timedelta(days=1)
    # A sheet knows no time zones.
    moment = (datetime(1904, 1, 1) if epoch_1904 else datetime(1899, 12, 30)) + seconds  # noqa: DTZ001
    if value < 1 and not epoch_1904:
        return moment.strftime("%H:%M:%S")
    return moment.date().isoformat() if seconds % timedelta(days=1) == timedelta(0) else moment.isoformat()
