"""Opens a feed: finds its format by itself, reads its head, and refuses at once what cannot be read."""

from __future__ import annotations

from shopctl.catalogue.feed.errors import NotAFeed, UnknownFormat
from shopctl.catalogue.feed.mapping import load_mapping
from shopctl.catalogue.feed.row import Feed, Limits
from shopctl.catalogue.feed.source import ZIP, Source

FORMATS = ("csv", "ndjson", "json", "xlsx")


def open_feed(
    path: str, *, format: str = "auto", mapping: str | None = None, limits: Limits | None = None, default_currency: str
) -> Feed:
    """Open the file at `path` ("-": standard input).

    Raises errors.BrokenFeed (exit 12) for a file that is no feed, UsageError for a bad mapping or format, NotFound.
    """
    mapped = load_mapping(mapping)
    source = Source(path, limits or Limits())
    if format == "auto":
        format = _sniffed(source)
    if format == "csv":
        from shopctl.catalogue.feed.readers.csv import CsvFeed

        return CsvFeed(source, mapped, default_currency)
    if format == "ndjson":
        from shopctl.catalogue.feed.readers.ndjson import NdjsonFeed

        return NdjsonFeed(source, mapped, default_currency)
    if format == "json":
        from shopctl.catalogue.feed.readers.json import JsonFeed

        return JsonFeed(source, mapped, default_currency)
    raise UnknownFormat(format=format, formats=", ".join(FORMATS))


def _sniffed(source: Source) -> str:
    """The format by the first bytes: an archive, JSON, or text with columns."""
    if source.head.startswith(ZIP):
        return "xlsx"
    start = source.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"["):
        return "json"
    if start.startswith(b"{"):
        return "ndjson" if _is_ndjson(start) else "json"
    return "csv"


def _is_ndjson(start: bytes) -> bool:
    """Is the first line a whole object?"""
    import json

    try:
        return isinstance(json.loads(start.split(b"\n", 1)[0]), dict)
    except (ValueError, RecursionError):
        return False
