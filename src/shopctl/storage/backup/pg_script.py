"""Reading the SQL that pg_dump writes, in bounded memory: statements, and the rows of each table as they are copied in.

Statements of ours end with a semicolon at the end of a line outside of quotes; there are no functions among them, whose
bodies are quoted otherwise. Rows are in the text format of COPY: a row a line, and a line of `\\.` after the last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_END = b"\\.\n"
_COPY = re.compile(rb"^copy (.+?) \(.*\) from stdin;\s*$", re.IGNORECASE | re.DOTALL)
# What a session of ours has set already, and what only psql understands.
_LEFT_OUT = re.compile(rb"^(set |select pg_catalog\.set_config\()", re.IGNORECASE)


class Statement(NamedTuple):
    """A statement, or with `rows` a COPY: the table, and its rows in pieces, to be read before the next statement."""

    sql: bytes
    table: str | None = None
    rows: Iterator[bytes] = iter(())


def statements(source: Iterable[bytes]) -> Iterator[Statement]:
    """What is to be executed, in order. Raises ValueError for what ends in the middle."""
    reading = _Reading(source)
    sql = b""
    while (line := reading.line()) is not None:
        if not sql and (not line.strip() or line.startswith((b"--", b"\\"))):
            continue
        sql += line
        if not line.rstrip().endswith(b";") or sql.count(b"'") % 2:
            continue
        if found := _COPY.match(sql):
            rows = reading.rows()
            yield Statement(sql.rstrip().rstrip(b";"), _name(found[1]), rows)
            for _ in rows:  # whoever asks for the next statement is done with these
                pass
        elif not _LEFT_OUT.match(sql):
            yield Statement(sql)
        sql = b""
    if sql:
        raise ValueError("it ends in the middle of a statement")


def row_counts(source: Iterable[bytes]) -> dict[str, int]:
    """How many rows each table is given; a partitioned one gets them in several pieces."""
    counts: dict[str, int] = {}
    for each in statements(source):
        if each.table:
            counts[each.table] = counts.get(each.table, 0) + sum(rows.count(b"\n") for rows in each.rows)
    return counts


def _name(qualified: bytes) -> str:
    return qualified.decode().rpartition(".")[2].strip('"')


class _Reading:
    def __init__(self, source: Iterable[bytes]) -> None:
        self._source = iter(source)
        self._buffer = b""

    def line(self) -> bytes | None:
        """The next line with its end; None when there is none."""
        while (at := self._buffer.find(b"\n")) < 0:
            if not self._more():
                line, self._buffer = self._buffer, b""
                return line or None
        line, self._buffer = self._buffer[: at + 1], self._buffer[at + 1 :]
        return line

    def rows(self) -> Iterator[bytes]:
        """Whole rows up to the line that ends them, which is taken too."""
        while True:
            if self._buffer.startswith(_END):
                self._buffer = self._buffer[len(_END) :]
                return
            end = self._buffer.find(b"\n" + _END)
            if end >= 0:
                rows, self._buffer = self._buffer[: end + 1], self._buffer[end + 1 + len(_END) :]
                yield rows
                return
            # What follows the last line feed may be the beginning of the end.
            whole = self._buffer.rfind(b"\n") + 1
            if whole:
                rows, self._buffer = self._buffer[:whole], self._buffer[whole:]
                yield rows
            if not self._more():
                raise ValueError("it ends in the middle of a table")

    def _more(self) -> bool:
        block = next(self._source, None)
        if block is None:
            return False
        self._buffer += block
        return True
