"""Finds out how a text feed is written: encoding, line ends, delimiter, quotes, header; from its first bytes."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from dataclasses import dataclass

from shopctl.catalogue.feed.columns import FIELDS, meaning

DELIMITERS = ",;\t|"
_QUOTES = "\"'"
_NO_DELIMITERS = "_-.()[]{}\\" + _QUOTES + " \r\n\0"  # printed within names and numbers, or with another meaning
_IDENTITIES = frozenset({"sku", "variant_id", "handle"})

_BOMS = [
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
]
_PRINTING_CONTROLS = b"\t\n\r\f\x0b\x1b\x1c\x1d\x1e\x1f"  # the last four separate (ASCII FS, GS, RS, US)

# windows-1252 as browsers read it (WHATWG Encoding, index windows-1252): the five bytes Python leaves undefined are C1
# controls.
WINDOWS_1252 = bytes(range(256)).decode("cp1252", "replace")
WINDOWS_1252 = "".join(chr(code) if char == "\ufffd" else char for code, char in enumerate(WINDOWS_1252))


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the records of a CSV file are written."""

    delimiter: str = ","
    quote: str = '"'
    escape: str | None = None  # None: a quote within quotes is doubled
    line_end: bytes = b"\n"  # b"\n" also stands for CRLF
    padded: bool = False  # columns are filled up with blanks; every cell is trimmed

    def reader(self, lines: list[str], strict: bool = False) -> list[list[str]]:
        """The csv module's reading of complete records. Raises csv.Error."""
        return list(
            csv.reader(
                lines,
                delimiter=self.delimiter,
                quotechar=self.quote,
                escapechar=self.escape,
                doublequote=self.escape is None,
                skipinitialspace=self.padded,
                strict=strict,
            )
        )


def sniff_encoding(head: bytes) -> tuple[str, int]:
    """The encoding and the length of its byte order mark.

    One of "utf-8", "windows-1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32", and "ascii": undecided so far.
    """
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return encoding, len(mark) if encoding == "utf-8" else 0
    sample = head[: len(head) & ~1]
    if len(sample) >= 4:
        for encoding, zeros in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
            if zeros.count(0) * 10 > len(zeros) * 4 and sample.count(0) < len(zeros) * 11 // 10:
                return encoding, 0
    if head.isascii():
        return "ascii", 0
    return judge_8bit(head), 0


def judge_8bit(data: bytes) -> str:
    """UTF-8 (perhaps with a few broken rows) or windows-1252, by what the bytes beyond ASCII look like."""
    text = data.decode("utf-8", "surrogateescape")
    broken = sum(1 for c in text[:-4] if "\ud800" <= c <= "\udfff")  # the last character may be cut off
    sound = sum(1 for c in text if c > "\x7f") - broken
    return "utf-8" if sound >= broken * 4 else "windows-1252"


def looks_binary(head: bytes) -> bool:
    """NUL or many control characters: no text of any 8-bit encoding."""
    sample = head[:65536]
    controls = sum(count for byte, count in Counter(sample).items() if byte < 32 and byte not in _PRINTING_CONTROLS)
    return controls * 20 > len(sample) or sample.count(0) > max(3, len(sample) // 500)


def decode_windows_1252(data: bytes) -> str:
    return codecs.charmap_decode(data, "strict", WINDOWS_1252)[0]


def sniff_dialect(text: str, complete: bool, delimiter: str | None = None) -> Dialect:
    """The dialect under which the sample reads best: as many cells in every record, known columns in the first."""
    line_end = b"\r" if "\n" not in text and "\r" in text else b"\n"
    if line_end == b"\r":
        text = text.replace("\r", "\n")
    elif "\r\n" in text:
        text = text.replace("\r\n", "\n")
    sample = text if complete else text[: text.rfind("\n") + 1] or text
    lines = sample[: 64 << 10].splitlines(keepends=True)
    while len(lines) > 1 and is_preamble(lines[0]):
        del lines[0]
    escapes: list[str | None] = [None, "\\"] if '\\"' in sample else [None]
    quotes = ['"', "'"] if "'" in sample and _single_quoted(sample) else ['"']
    best, best_score = Dialect(line_end=line_end, delimiter=delimiter or ","), (-1.0, 0)
    for candidate in delimiter or DELIMITERS:
        if candidate not in lines[0]:
            continue
        for quote in quotes:
            for escape in escapes:
                dialect = Dialect(candidate, quote, escape, line_end)
                if (score := _score(dialect, lines)) > best_score:
                    best, best_score = dialect, score
    if delimiter is None and best_score[0] < 2:
        best = _unusual(lines, line_end) or best
    header = next(iter(best.reader(lines[:1])), [])
    padded = (
        any(name != name.strip() for name in header)
        and len(header) > 1
        and sum(name != name.strip() for name in header) * 2 > len(header)
    )
    return Dialect(best.delimiter, best.quote, best.escape, best.line_end, padded)


def is_preamble(line: str) -> bool:
    """Does the line stand before the header: blank, Excel's `sep=;`, or a comment that names no product's identity?"""
    text = line.strip()
    if not text or text.lower().startswith("sep="):
        return True
    if not text.startswith("#"):
        return False
    names = re.split(f"[{re.escape(DELIMITERS)}]", text.lstrip("#"))
    return not any(target.field in _IDENTITIES for name in names if (target := meaning(name.strip(" \"'"))))


def _unusual(lines: list[str], line_end: bytes) -> Dialect | None:
    """A dialect with another delimiter, where under it every record fits and the header names the products."""
    for candidate in dict.fromkeys(lines[0]):
        if candidate in DELIMITERS or candidate in _NO_DELIMITERS or candidate.isalnum() or not candidate.isascii():
            continue
        dialect = Dialect(candidate, line_end=line_end)
        try:
            records = [record for record in dialect.reader(lines) if record]
        except csv.Error:
            continue
        known = {target.field for name in records[0] if (target := meaning(name.strip()))}
        complete = records[1:-1] or records[1:]
        if known & _IDENTITIES and complete and all(len(record) == len(records[0]) for record in complete):
            return dialect
    return None


def _single_quoted(sample: str) -> bool:
    return any(f"{d}'" in sample and f"'{d}" in sample for d in DELIMITERS) and '"' not in sample


def _score(dialect: Dialect, lines: list[str]) -> tuple[float, int]:
    try:
        records = [record for record in dialect.reader(lines) if record]
    except csv.Error:
        return (-1.0, 0)
    if not records:
        return (-1.0, 0)
    width = len(records[0])
    body = records[1:-1] or records[1:]
    fitting = sum(1 for record in body if len(record) == width) / len(body) if body else 1.0
    known = {target.field for name in records[0] if (target := meaning(name.strip()))} & set(FIELDS)
    return (round(fitting, 1) + min(len(known), 3), width)
