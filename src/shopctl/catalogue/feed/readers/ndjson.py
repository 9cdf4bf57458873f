"""Reads NDJSON (also called JSON Lines): one object a line."""

from __future__ import annotations

from collections.abc import Iterator

from shopctl.catalogue.feed.records import Record, RecordFeed
from shopctl.records.errors import EndlessRecord
from shopctl.records.source import Stream

_CHUNK = 256 << 10


class NdjsonFeed(RecordFeed):
    """Records are lines; the numbers are physical lines."""

    format = "ndjson"

    def cut(self, stream: Stream) -> Iterator[Record]:
        limit = self.source.limits.record_bytes
        line, rest = 1, b""
        while data := stream.read(_CHUNK):
            lines = (rest + data).split(b"\n")
            rest = lines.pop()
            for raw in lines:
                if raw := raw.strip():
                    yield line, raw
                line += 1
            if len(rest) > limit:
                raise EndlessRecord(file=self.source.name, limit=limit, line=line)
        if rest := rest.strip():
            yield line, rest
