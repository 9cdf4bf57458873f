"""A feed of JSON records, however they are cut from the file: from raw bytes to rows or rejects, in batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from shopctl.catalogue.feed.dialect import sniff_encoding
from shopctl.catalogue.feed.errors import BadJson, NoIdentity, NoRows
from shopctl.catalogue.feed.mapping import Mapping
from shopctl.catalogue.feed.objects import RECORD_HEADER, Objects
from shopctl.catalogue.feed.row import ANEW, FIELDS, Batch, FeedRow, Known, Reject, portions
from shopctl.catalogue.feed.table import blank_hash, hashed, listed
from shopctl.catalogue.feed.validate import Bad
from shopctl.records.source import Source, Stream, Transcoded

Record = tuple[int, bytes]
"""Line (NDJSON) or element number (JSON), and the bytes of one record."""


class RecordFeed(ABC):
    """Reads records as `cut` gives them. Raises NoRows, BadJson, NoIdentity by the first of them."""

    format: str
    read_back: Callable[[Any], Iterable[FeedRow]] | None = None

    def __init__(self, source: Source, mapping: Mapping, default_currency: str) -> None:
        self.source = source
        self.size = source.size
        self.name = mapping.feed or self.format
        self.header = list(RECORD_HEADER)
        self.fields = frozenset(FIELDS)
        self.objects = Objects(mapping, source.limits, default_currency)
        self.blank_hash = blank_hash(self.objects.meaning)
        self.records = self.cut(self._text_stream(mapping))
        self.first = next(self.records, None)
        if self.first is None:
            raise NoRows(file=source.name)
        try:
            record = self.objects.parse(self.first[1].decode("utf-8", "replace"))
        except Bad as bad:
            if bad.code == "json.depth":
                return  # a record to reject by name; the others may be sound
            raise BadJson(file=source.name, detail=f"record {self.first[0]}: {bad.message}") from None
        if not self.objects.identity(record):
            raise NoIdentity(file=source.name, columns=listed(list(record)), example=next(iter(record), "id"))

    @abstractmethod
    def cut(self, stream: Stream) -> Iterator[Record]:
        """The records of the stream, blank ones left out."""

    def _text_stream(self, mapping: Mapping) -> Stream:
        encoding, mark = sniff_encoding(self.source.head)
        if mapping.encoding or encoding.startswith(("utf-16", "utf-32")):
            return Transcoded(self.source, mapping.encoding or encoding)
        return _Marked(self.source, mark)

    def batches(self, known: Known = ANEW, start_line: int = 0) -> Iterator[Batch]:
        """See row.Feed."""
        if self.first is not None and self.first[0] > start_line:
            self.records = _chain(self.first, self.records)
        remaining = (record for record in self.records if record[0] > start_line) if start_line else self.records
        for records in portions(remaining, lambda record: len(record[1])):
            yield self._batch(records, known)

    def _batch(self, records: list[Record], known: Known) -> Batch:
        rows: list[FeedRow] = []
        rejects: list[Reject] = []
        seen: list[tuple[int, int]] = []
        hashes = hashed(self.blank_hash, (raw for _, raw in records))
        fresh = set(known.unknown(hashes))
        for index, ((line, raw), number) in enumerate(zip(records, hashes, strict=True)):
            if index not in fresh:
                seen.append((line, number))
                continue
            try:
                rows.append(self.objects.convert(line, number, self.objects.parse(_decoded(raw))))
            except Bad as bad:
                rejects.append(self.objects.reject(line, raw, bad))
        return Batch(rows, rejects, seen, self.source.position, records[-1][0])


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as problem:
        byte, at = raw[problem.start], problem.start + 1
        raise Bad("", "text.encoding", f"byte {byte:#04x} at position {at} of the record is not UTF-8") from None


def _chain(first: Record, rest: Iterator[Record]) -> Iterator[Record]:
    yield first
    yield from rest


class _Marked:
    """A stream without its byte order mark."""

    def __init__(self, stream: Stream, mark: int) -> None:
        self.stream = stream
        self.mark = mark

    def read(self, size: int) -> bytes:
        data, mark = self.stream.read(size), self.mark
        self.mark = 0
        return data[mark:] or (self.stream.read(size) if mark else b"")
