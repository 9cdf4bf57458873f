"""Reads all records of a file before the first product is made of them, for files whose rows speak of each other."""

from __future__ import annotations

import marshal
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO, Any, NamedTuple

from shopctl.catalogue.feed.row import Reject

Look = Callable[[Iterable[Sequence[list[str] | None]]], None]


class Part(NamedTuple):
    """Some consecutive records."""

    lines: Sequence[int]
    raws: Sequence[bytes]
    cells: list[list[str] | None]  # None for one that is rejected
    rejects: list[Reject]
    last: int  # the last line of them
    position: int  # bytes of the file consumed by then


def looked_at(parts: Iterable[Part], look: Look) -> Iterator[Part]:
    """The same parts, after `look` has seen the cells of all; meanwhile they lie in a temporary file, not in memory."""
    with tempfile.TemporaryFile(prefix="shopctl-feed-") as file:
        look(_kept(parts, file))
        file.seek(0)
        while True:
            try:
                lines, raws, cells, rejects, last, position = marshal.load(file)
            except EOFError:
                return
            yield Part(lines, raws, cells, [Reject(*reject) for reject in rejects], last, position)


def _kept(parts: Iterable[Part], file: IO[bytes]) -> Iterator[Sequence[list[str] | None]]:
    for part in parts:
        lines, raws, cells, rejects, last, position = part
        record: Any = (lines, raws, cells, [tuple(reject) for reject in rejects], last, position)
        marshal.dump(record, file)
        yield part.cells


def after(part: Part, line: int) -> Part:
    """What of a part starts after a line."""
    chosen = [index for index, each in enumerate(part.lines) if each > line]
    return part._replace(
        lines=[part.lines[index] for index in chosen],
        raws=[part.raws[index] for index in chosen],
        cells=[part.cells[index] for index in chosen],
        rejects=[reject for reject in part.rejects if reject.line > line],
    )
