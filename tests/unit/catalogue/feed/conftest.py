"""Reads feeds made of a few lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from shopctl.catalogue.feed.opening import open_feed
from shopctl.catalogue.feed.row import ANEW, FIELDS, Feed, FeedRow, Reject
from shopctl.catalogue.importing.known import KnownRecords
from shopctl.records.source import Limits


@dataclass
class Read:
    """What a feed came to."""

    feed: Feed
    rows: list[FeedRow] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    known: list[tuple[int, int]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)  # of each batch

    def __getitem__(self, sku: str) -> dict[str, Any]:
        """The fields given for a SKU."""
        (row,) = [row for row in self.rows if row[2] == sku]
        return {name: value for name, value in zip(FIELDS, row, strict=True) if value is not ...}

    @property
    def skus(self) -> list[str]:
        return [row[2] for row in self.rows]

    @property
    def codes(self) -> list[tuple[int, str]]:
        return [(reject.line, reject.code) for reject in self.rejects]


Reader = Callable[..., Read]


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    """Read content to the end."""

    def run(
        content: bytes | str | Path,
        *,
        mapping: str | None = None,
        format: str = "auto",
        known: Iterable[int] | None = None,
        start_line: int = 0,
        limits: Limits | None = None,
        currency: str = "EUR",
    ) -> Read:
        path = content if isinstance(content, Path) else tmp_path / "feed"
        if not isinstance(content, Path):
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        toml = None
        if mapping is not None:
            toml = str(tmp_path / "mapping.toml")
            Path(toml).write_text(mapping, encoding="utf-8")
        feed = open_feed(str(path), format=format, mapping=toml, limits=limits, default_currency=currency)
        result = Read(feed)
        for batch in feed.batches(ANEW if known is None else KnownRecords(known), start_line):
            result.rows += batch.rows
            result.rejects += batch.rejects
            result.known += batch.known
            result.lines.append(batch.line)
        return result

    return run
