"""Reads a file of users in a process of its own: batches of rows, each with all that can be made of it beforehand."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from shopctl.auth.importing.ahead import Maker
from shopctl.auth.importing.errors import PlainPassword
from shopctl.auth.importing.rows import BadRow, RowReader
from shopctl.records.reading import Row, RowFile
from shopctl.records.rejects import Reject

BATCH = 5000  # rows
_SEAM = "\0"  # between cells


class Batch(NamedTuple):
    """Rows that were read, as they come out of the process that reads: all values are plain."""

    rows: list[tuple[int, str, tuple[Any, ...]]]  # line, its cells (see `cells_of`), `UserRow`
    made: list[tuple[Any, ...]]  # `Made`, of each row
    rejects: list[tuple[Any, ...]]  # `Reject`
    ignored: list[str]  # columns, so far
    position: int  # bytes of the file
    first: int  # line
    last: int


def batches(
    file: RowFile, roles: Collection[str], maker: Maker, done: int, seal: Callable[[], bool]
) -> Iterator[tuple[Any, ...]]:
    """All of the file as batches, none with rows from both sides of the line `done`; `seal` see `Maker.made`."""
    reader = RowReader(roles)
    for records in _portions(file, done):
        batch = Batch([], [], [], [*file.ignored], file.position, records[0].line, records[-1].line)
        rows = []
        for record in records:
            if isinstance(record, Reject):
                batch.rejects.append(tuple(record))
                continue
            try:
                rows.append(row := reader.read(record.values))
            except BadRow as bad:
                cells = _without_secret(record) if isinstance(bad.why, PlainPassword) else list(record.cells)
                batch.rejects.append(tuple(bad.reject(record.line, cells)))
            else:
                batch.rows.append((record.line, _joined(record.cells), tuple(row)))
        batch.made.extend(map(tuple, maker.made(rows, seal=seal())))
        yield tuple(batch)


def cells_of(joined: str) -> list[str]:
    """The cells of a row."""
    return joined.split(_SEAM)


def _portions(records: Iterable[Row | Reject], done: int) -> Iterator[list[Row | Reject]]:
    portion: list[Row | Reject] = []
    for record in records:
        if len(portion) >= BATCH or portion and portion[-1].line <= done < record.line:
            yield portion
            portion = []
        portion.append(record)
    if portion:
        yield portion


def _joined(cells: Sequence[str]) -> str:
    """Cells as one text, which travels at a fraction of the cost; only in a column that is ignored can a NUL stand."""
    text = _SEAM.join(cells)
    return text if text.count(_SEAM) < len(cells) else _SEAM.join(cell.replace(_SEAM, "") for cell in cells)


def _without_secret(row: Row) -> list[str]:
    """The cells of a row without the password in it, which is written nowhere."""
    secret = row.values["password"]
    return ["" if cell == secret else _json_without(cell, secret) for cell in row.cells]


def _json_without(cell: str, secret: str) -> str:
    if not cell.startswith("{"):
        return cell
    record = json.loads(cell)
    return json.dumps({name: "" if value == secret else value for name, value in record.items()}, ensure_ascii=False)
