"""Where the keys of a TOML text stand, which `tomllib` does not say: for messages with a line and a column."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from typing import Any

Path = tuple[str | int, ...]

_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_KEY = re.compile(rf"\s*({_PART}(?:\s*\.\s*{_PART})*)\s*=")
_TABLE = re.compile(rf"\s*(\[\[?)\s*({_PART}(?:\s*\.\s*{_PART})*)\s*\]")
_FIRST_PART = re.compile(_PART)


def places(text: str) -> dict[Path, tuple[int, int]]:
    """Line and column, from 1, of every table and key that stands at the beginning of a line of a valid TOML text.

    A path is made of keys and of the numbers of array elements: `("steps", 1, "retry")`.
    """
    found: dict[Path, tuple[int, int]] = {(): (1, 1)}
    lengths: dict[Path, int] = {}
    table: Path = ()
    for number, line, column in _statements(text):
        if match := _TABLE.match(line, column):
            table = _inside(_parts(match[2]), lengths)
            if match[1] == "[[":
                lengths[table] = lengths.get(table, 0) + 1
                table = (*table, lengths[table] - 1)
            found[table] = (number, match.start(1) + 1)
        elif match := _KEY.match(line, column):
            parts = _parts(match[1])
            for length in range(1, len(parts) + 1):
                found.setdefault((*table, *parts[:length]), (number, match.start(1) + 1))
    return found


def place_of(path: Sequence[str | int], known: dict[Path, tuple[int, int]]) -> tuple[int, int]:
    """The place of the path, or of what is nearest above it: the inside of an inline table has none of its own."""
    path = tuple(path)
    while path not in known:
        path = path[:-1]
    return known[path]


def _parts(text: str) -> list[str]:
    return [next(iter(tomllib.loads(f"{part[0]} = 1"))) for part in _FIRST_PART.finditer(text)]


def _inside(parts: list[str], lengths: dict[Path, int]) -> Path:
    """The path of a table header: a name of an array of tables on the way means its last element."""
    path: Path = ()
    for number, part in enumerate(parts):
        path = (*path, part)
        if number < len(parts) - 1 and path in lengths:
            path = (*path, lengths[path] - 1)
    return path


def _statements(text: str) -> Iterator[tuple[int, str, int]]:
    """Lines on which a statement begins: not those inside of a value that goes over several lines."""
    gathered: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if gathered:
            gathered.append(line)
            if _complete("\n".join(gathered)):
                gathered = []
            continue
        yield number, line, 0
        if _KEY.match(line) and not _complete(line):
            gathered = [line]


def _complete(statement: str) -> bool:
    try:
        loaded: Any = tomllib.loads(statement)
    except tomllib.TOMLDecodeError:
        return False
    return loaded is not None
