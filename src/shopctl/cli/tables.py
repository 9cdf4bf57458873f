"""Tables for people: fitted to a terminal, never cut anywhere else."""

from __future__ import annotations

import shutil
import sys
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from shopctl.cli.records import field
from shopctl.cli.render import cell
from shopctl.kernel.errors import one_line

if TYPE_CHECKING:
    from shopctl.cli.shop import Shop

Row = dict[str, Any]
_MOMENT_WIDTH = len("2026-11-24T13:34:00.000000Z")
_GAP = "  "
_LEAST = 8  # cells a column that gives way keeps


class Lines(list[str]):
    """Texts that a sheet shows below each other instead of beside each other."""


def table(shop: Shop, rows: list[Row], columns: Sequence[str] | None, title: str | None) -> str:
    """Rows under headings; `columns` defaults to every key in order of appearance."""
    names = list(columns) if columns is not None else list(dict.fromkeys(name for row in rows for name in row))
    right = [all(_is_number(field(row, name)[1]) for row in rows) for name in names]
    cells = [[one_line(readable(field(row, name)[1])) for name in names] for row in rows]
    headings = [_heading(name) for name in names]
    widths = _widths([headings, *cells])
    if sys.stdout.isatty():
        while _too_wide(widths, _terminal_width()) and widths[1:] and _is_of_moments([row[-1] for row in cells]):
            # A moment in pieces is none: where there is no room for it, it is left out.
            headings, cells = headings[:-1], [row[:-1] for row in cells]
            widths, right = widths[:-1], right[:-1]
        widths = _fitted(widths, right, _terminal_width())
    lines = [_bold(shop, _line(headings, widths, right))]
    for row in cells:
        lines.extend(_lines(row, widths, right))
    return "\n".join([*([title, ""] if title else []), *lines]) + "\n"


def sheet(shop: Shop, row: Row, columns: Sequence[str] | None, title: str | None) -> str:
    """One record as a line per field, nested ones below their name; `columns` defaults to every key."""
    named = {name: field(row, name)[1] for name in columns} if columns is not None else row
    entries = list(_entries(named, ""))
    width = max((_cells(label) for label, _ in entries), default=0)
    space = max(_terminal_width() - width - len(_GAP), 20) if sys.stdout.isatty() else None
    lines = [title, ""] if title else []
    for label, value in entries:
        text = _bold(shop, one_line(label) + " " * (width - _cells(label)))
        first, *more = _folded(value, space) if space else [value]
        lines.append(f"{text}{_GAP}{first}".rstrip())
        lines.extend(" " * (width + len(_GAP)) + line for line in more)
    return "\n".join(lines) + "\n"


def _entries(row: Row, before: str) -> list[tuple[str, str]]:
    entries: list[tuple[str, str]] = []
    for name, value in row.items():
        label = f"{before}{_heading(name)}"
        if isinstance(value, dict) and value and not before:
            entries.extend(_entries(value, f"{label} "))
        elif isinstance(value, Lines):
            entries.extend((label if at == 0 else "", one_line(text)) for at, text in enumerate(value))
        elif isinstance(value, list) and not _is_plain(value):
            entries.extend((label if at == 0 else "", one_line(_compact(item))) for at, item in enumerate(value))
        else:
            entries.append((label, one_line(readable(value))))
    return entries


def _compact(item: Any) -> str:
    if isinstance(item, dict) and not any(isinstance(value, (dict, list)) for value in item.values()):
        return _GAP.join(f"{_heading(name)} {readable(value)}" for name, value in item.items() if value is not None)
    return readable(item)


def _too_wide(widths: list[int], space: int) -> bool:
    return sum(widths) + len(_GAP) * (len(widths) - 1) > space


def _is_of_moments(texts: list[str]) -> bool:
    return all(not text or (len(text) == 20 and text[10] == "T" and text[-1] == "Z") for text in texts)


def _fitted(widths: list[int], right: list[bool], space: int) -> list[int]:
    """Widths that fit the terminal: the widest texts give way. Numbers and the first column, which name a row and
    mean nothing when cut, stay; a table of which that is too much runs over the edge."""
    widths = list(widths)
    giving = [column for column in range(1, len(widths)) if not right[column]]
    while giving and _too_wide(widths, space):
        widest = max(giving, key=lambda column: widths[column])
        if widths[widest] <= _LEAST:
            break
        widths[widest] -= 1
    return widths


def _lines(row: list[str], widths: list[int], right: list[bool]) -> list[str]:
    """A row on one line, texts that do not fit cut with an ellipsis; the last column goes on below instead."""
    *cut, last = row
    cut = [_cut(text, width) for text, width in zip(cut, widths, strict=False)]
    first, *more = _folded(last, widths[-1]) if not right[-1] else [last]
    below = " " * (sum(widths[:-1]) + len(_GAP) * (len(widths) - 1))
    return [_line([*cut, first], widths, right), *(below + text for text in more)]


def _cut(text: str, width: int) -> str:
    if _cells(text) <= width:
        return text
    while _cells(text) > width - 1:
        text = text[:-1]
    return f"{text.rstrip()}…"


def _folded(text: str, width: int) -> list[str]:
    if _cells(text) <= width:
        return [text]
    lines, line = [], ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if line and _cells(joined) > width:
            lines.append(line)
            joined = word
        while _cells(joined) > width:
            part = joined
            while _cells(part) > width:
                part = part[:-1]
            lines.append(part)
            joined = joined[len(part) :]
        line = joined
    return [*lines, line]


def terminal_width() -> int | None:
    """The columns of the terminal that standard output is; None where it is none, so that nothing is cut."""
    return _terminal_width() if sys.stdout.isatty() else None


def _terminal_width() -> int:
    return max(shutil.get_terminal_size().columns, 20)


def _heading(name: str) -> str:
    return name.replace("_", " ").replace(".", " ")


def _is_number(value: object) -> bool:
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return True
    return isinstance(value, str) and value.lstrip("-").replace(".", "", 1).isdecimal() and value.isascii()


def _widths(lines: list[list[str]]) -> list[int]:
    return [max(map(_cells, column)) for column in zip(*lines, strict=True)]


def _line(line: list[str], widths: list[int], right: list[bool]) -> str:
    padded = []
    for text, width, is_right in zip(line, widths, right, strict=True):
        space = " " * (width - _cells(text))
        padded.append(space + text if is_right else text + space)
    return _GAP.join(padded).rstrip()


def _cells(text: str) -> int:
    """How many terminal cells a text takes: two for wide characters (UAX #11), none for combining ones."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def _bold(shop: Shop, text: str) -> str:
    return f"\x1b[1m{text}\x1b[0m" if shop.colour(sys.stdout) else text


def _is_plain(values: list[Any]) -> bool:
    return not any(isinstance(value, (dict, list)) for value in values)


def readable(value: object) -> str:
    """A value as people read it: money as one text, moments to the second, a list of such values with commas."""
    if isinstance(value, list) and _is_plain(value):
        return ", ".join(readable(item) for item in value)
    if isinstance(value, dict) and value.keys() == {"amount", "currency"}:
        return f"{value['amount']} {value['currency']}"
    text = cell(value)
    if len(text) == _MOMENT_WIDTH and text[10] == "T" and text[19] == "." and text.endswith("Z"):
        return text[:19] + "Z"
    return text
