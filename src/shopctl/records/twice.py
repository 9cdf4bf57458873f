"""A file of rows that is read twice, also where it comes from a pipe."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from types import TracebackType
from typing import BinaryIO, Protocol, cast

from shopctl.records.reading import RowFile
from shopctl.records.source import Limits, opened


class Spool(Protocol):
    """Keeps bytes aside until they are read again."""

    def write(self, data: bytes, /) -> None:
        """Keep these too. Raises NoRoom."""

    def rewind(self) -> None:
        """Begin to read."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes, none only at the end."""
        ...

    def discard(self) -> None:
        """Forget them."""

    def close(self) -> None:
        """A reader is done; they stay."""


class Twice:
    """Reads a file once or twice, as a context; what comes from a pipe is kept in what `spool` makes."""

    def __init__(
        self, path: str, columns: Collection[str], limits: Limits | None = None, *, spool: Callable[[], Spool]
    ) -> None:
        """`path` may be `-`, standard input."""
        self._path = path
        self._how = (columns, limits)
        self._spool = spool
        self._kept: Spool | None = None

    def only(self) -> RowFile:
        """The file, which is not read again. Raises what opening a RowFile raises, as the others do."""
        return RowFile(self._path, *self._how)

    def first(self) -> RowFile:
        """The file for the first time."""
        if os.path.isfile(self._path):
            return self.only()
        file, _ = opened(self._path)
        self._kept = self._spool()
        return RowFile(self._path, *self._how, file=cast("BinaryIO", _Tee(file, self._kept)))

    def again(self) -> RowFile:
        """The same file, when it was read to its end."""
        if self._kept is None:
            return self.only()
        self._kept.rewind()
        return RowFile(self._path, *self._how, file=cast("BinaryIO", self._kept))

    def __enter__(self) -> Twice:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._kept is not None:
            self._kept.discard()


class _Tee:
    def __init__(self, source: BinaryIO, kept: Spool) -> None:
        self._source = source
        self._kept = kept

    def read(self, size: int) -> bytes:
        data = self._source.read(size)
        self._kept.write(data)
        return data

    def close(self) -> None:
        pass  # as standard input is left open
