"""Reads the formats that plugins bring (hook shopctl_feed_readers)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from shopctl.catalogue.feed.errors import PluginRefused
from shopctl.catalogue.feed.mapping import Mapping
from shopctl.catalogue.feed.sheet import SheetFeed
from shopctl.catalogue.feed.workbook import SheetRow
from shopctl.records.source import Source

if TYPE_CHECKING:
    from shopctl.hooks.specifications import Reader


class PluginFeed(SheetFeed):
    """Lines count what the plugin yields, the header being line 1."""

    def __init__(self, format: str, read: Reader, source: Source, mapping: Mapping, default_currency: str) -> None:
        super().__init__(format, source, _rows(format, read, source), mapping, default_currency)


def _rows(format: str, read: Reader, source: Source) -> Iterator[SheetRow]:
    try:
        for number, cells in enumerate(read(io.BufferedReader(_File(source))), start=1):
            if not isinstance(cells, list) or not all(isinstance(cell, str) for cell in cells):
                raise ValueError(f"record {number} is not a list of texts")
            if any(cells):
                yield SheetRow(number, cells, "")
    except (ValueError, EOFError) as problem:
        raise PluginRefused(file=source.name, format=format, detail=str(problem)) from None


class _File(io.RawIOBase):
    """The unpacked feed as a file that is read forwards."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.rest or self.source.read(len(buffer))
        count = min(len(data), len(buffer))
        buffer[:count] = data[:count]
        self.rest = data[count:]
        return count
