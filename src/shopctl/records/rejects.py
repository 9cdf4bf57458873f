"""The rejects file: a CSV that says what is wrong with each row not taken, and can be corrected and read again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import NamedTuple

from shopctl.records.csv_writing import CsvWriter
from shopctl.records.errors import NothingToWriteTo, RejectsUnwritable
from shopctl.records.outlet import check_writable, outlet

LEADING = ("line", "field", "code", "message")


class Reject(NamedTuple):
    """A row that does not go in, and why; `cells` stand under the file's header."""

    line: int
    field: str
    code: str
    message: str
    cells: Sequence[str]


def check_place(path: str | None, feed: str) -> None:
    """Find out before the work whether rejects can be written there. Raises RejectsUnwritable."""
    if path is None:
        return
    try:
        if path != "-" and os.path.exists(path) and os.path.exists(feed) and os.path.samefile(path, feed):
            raise RejectsUnwritable(path=path, reason="it is the file itself")
        check_writable(path)
    except NothingToWriteTo as error:
        raise RejectsUnwritable(**error.facts) from None


class RejectsFile:
    """A place for rejects, used as a context; there is no file where there is no reject.

    The file has mode 0600 and its name when the context is left without an error. Raises NothingToWriteTo, NoRoom.
    """

    def __init__(self, path: str, header: Sequence[str]) -> None:
        """`path` may be `-`, standard output; a folder that lacks is made, with mode 0700."""
        self.count = 0
        self.first: list[Reject] = []
        self._path = path
        self._header = header
        self._open = ExitStack()
        self._writer: CsvWriter | None = None

    @property
    def path(self) -> str | None:
        """Where the rejects are; None where there are none."""
        return self._path if self.count else None

    def add(self, reject: Reject) -> None:
        """Write one."""
        if self._writer is None:
            if folder := os.path.dirname(self._path):
                os.makedirs(folder, mode=0o700, exist_ok=True)
            self._writer = CsvWriter(self._open.enter_context(outlet(self._path, mode=0o600)))
            self._writer.row([*LEADING, *(_storable(name) for name in self._header)])
        cells = [_storable(cell) for cell in reject.cells]
        self._writer.row([str(reject.line), reject.field, reject.code, _storable(reject.message), *cells])
        self.count += 1
        if len(self.first) < 20:
            self.first.append(reject)

    def __enter__(self) -> RejectsFile:
        self._open.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)


def _storable(cell: str) -> str:
    # A lone surrogate stands for a byte the file could not be decoded at; it is written so that it can be seen.
    return cell.encode("utf-8", "backslashreplace").decode()
