"""Reading a feed a second time, for the raw rows of rejects that were found only when the whole stage was looked at."""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from shopctl.catalogue.feed.opening import open_feed
from shopctl.catalogue.importing.request import ImportRequest
from shopctl.records.source import Limits, standard_input


class KeptInput:
    """Standard input that can be read once more: what is read of it is kept in a file without a name."""

    def __init__(self) -> None:
        self._copy = tempfile.TemporaryFile(prefix="shopctl-feed-")  # noqa: SIM115 - closed with the process
        self.keeping = True

    @contextmanager
    def first(self) -> Iterator[None]:
        """Standard input itself, kept on the way."""
        with _standing_in(io.BufferedReader(_Tee(standard_input(), self))):
            yield

    @contextmanager
    def again(self) -> Iterator[bool]:
        """What was kept; False when it could not be."""
        self._copy.seek(0)
        with _standing_in(self._copy):
            yield self.keeping

    def keep(self, data: bytes) -> None:
        """Keep what was read. Without room for it the import goes on, only the raw rows of some rejects will lack."""
        if self.keeping:
            try:
                self._copy.write(data)
                self._copy.flush()  # the reader is a process of its own, and this one reads it
            except OSError:
                self.keeping = False


class _Tee(io.RawIOBase):
    def __init__(self, source: Any, kept: KeptInput) -> None:
        self._source = source
        self._kept = kept

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data: bytes = self._source.read1(len(buffer))
        self._kept.keep(data)
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def _standing_in(file: Any) -> Iterator[None]:
    before = sys.stdin
    sys.stdin = io.TextIOWrapper(file)
    try:
        yield
    finally:
        sys.stdin.detach()
        sys.stdin = before


def raw_rows(
    request: ImportRequest, lines: Collection[int], *, limits: Limits, currency: str
) -> Iterator[tuple[int, list[str]]]:
    """The raw rows at these lines: under limits that nothing keeps to, the feed refuses each record as it stands."""
    strict = replace(limits, field_characters=0, depth=0)
    feed = open_feed(
        request.path, format=request.format, mapping=request.mapping, limits=strict, default_currency=currency
    )
    last = max(lines)
    for batch in feed.batches():
        for reject in batch.rejects:
            if reject.line in lines:
                yield reject.line, reject.row
        if batch.line >= last:
            return
