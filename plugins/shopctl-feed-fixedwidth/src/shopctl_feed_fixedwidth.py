"""Reads fixed-width text feeds: columns by a line of hyphens under the names, or by where the names begin."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import BinaryIO

import pluggy

hookimpl = pluggy.HookimplMarker("shopctl")

_RULER = re.compile(r"-+( +-+)*\s*")


@hookimpl
def shopctl_feed_readers() -> list[tuple[str, Callable[[BinaryIO], Iterator[list[str]]]]]:
    return [("fixedwidth", read)]


def read(file: BinaryIO) -> Iterator[list[str]]:
    """Yield the column names, then the cells of each line; a blank line and the ruler are empty lists.

    Raises ValueError naming the line for text that is not UTF-8, a tab, and a value that runs over its column.
    """
    lines = io.TextIOWrapper(file, encoding="utf-8-sig", newline=None)
    number = 0
    try:
        number, names = 1, next(lines, "").rstrip("\n")
        if not names.strip():
            raise ValueError("line 1 holds no column names")
        number, second = 2, next(lines, None)
        ruled = second is not None and _RULER.fullmatch(second) is not None
        columns = _columns(second if ruled and second is not None else names, r"-+" if ruled else r"\S+")
        yield _cells(names, columns, 1)
        if ruled:
            yield []
        rest = lines if ruled or second is None else chain([second], lines)
        for number, line in enumerate(rest, 3 if ruled else 2):
            yield _cells(line.rstrip("\n"), columns, number)
    except UnicodeDecodeError:
        raise ValueError(f"line {number} or a later one is not UTF-8") from None


def _columns(line: str, word: str) -> list[slice]:
    """Where each column begins, and that it ends where the next one begins."""
    starts = [found.start() for found in re.finditer(word, line)]
    starts[0] = 0
    return [slice(start, end) for start, end in zip(starts, [*starts[1:], None], strict=True)]


def _cells(line: str, columns: list[slice], number: int) -> list[str]:
    if not line.strip():
        return []
    if "\t" in line:
        raise ValueError(f"line {number} holds a tab, so its columns cannot be told")
    for column in columns[1:]:
        if line[column.start - 1 : column.start].strip():
            raise ValueError(f"line {number}: a value runs over into the column that begins at {column.start + 1}")
    return [line[column].strip() for column in columns]
