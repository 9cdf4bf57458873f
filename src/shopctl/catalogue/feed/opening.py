"""Opens a feed: finds its format by itself, reads its head, and refuses at once what cannot be read."""

from __future__ import annotations

from shopctl.catalogue.feed.errors import NotOfThisShop, UnknownFormat
from shopctl.catalogue.feed.mapping import Mapping, load_mapping
from shopctl.catalogue.feed.row import Feed
from shopctl.catalogue.feed.shops.known import TABLES as SHOPS
from shopctl.records.source import ZIP, Limits, Source

FORMATS = ("csv", "ndjson", "json", "xlsx", *SHOPS)


def open_feed(
    path: str, *, format: str = "auto", mapping: str | None = None, limits: Limits | None = None, default_currency: str
) -> Feed:
    """Open the file at `path` ("-": standard input).

    Raises errors.BrokenFeed (exit 12) for a file that is no feed, UsageError for a bad mapping or format, NotFound.
    """
    mapped = load_mapping(mapping)
    source = Source(path, limits or Limits())
    try:
        if format in ("auto", *SHOPS):
            return _reader(_sniffed(source), source, mapped, default_currency, format)
        return _reader(format, source, mapped, default_currency)
    except BaseException:
        source.close()
        raise


def _reader(format: str, source: Source, mapping: Mapping, currency: str, shop: str = "") -> Feed:
    dump = format == "saleor" or format == "json" and shop == "saleor"  # one may not begin as dumps do
    if shop in SHOPS and format not in ("csv", "xlsx") and not (dump and shop == "saleor"):
        raise NotOfThisShop(file=source.name, format=shop, columns="none, for it is JSON")
    if format == "csv":
        from shopctl.catalogue.feed.readers.csv import CsvFeed

        return CsvFeed(source, mapping, currency, shop)
    if format == "ndjson":
        from shopctl.catalogue.feed.readers.ndjson import NdjsonFeed

        return NdjsonFeed(source, mapping, currency)
    if dump:
        from shopctl.catalogue.feed.readers.saleor import SaleorFeed

        return SaleorFeed(source, mapping, currency)
    if format == "json":
        from shopctl.catalogue.feed.readers.json import JsonFeed

        return JsonFeed(source, mapping, currency)
    if format == "xlsx":
        from shopctl.catalogue.feed.readers.xlsx import XlsxFeed

        return XlsxFeed(source, mapping, currency, shop)
    from shopctl.catalogue.feed.readers.plugin import PluginFeed
    from shopctl.hooks import plugins

    readers = plugins.feed_readers()
    if format not in readers:
        broken = ", ".join(plugins.broken())
        raise UnknownFormat(
            format=format,
            formats=", ".join(["auto", *FORMATS, *sorted(readers)]),
            broken=f" A plugin that may bring it is broken: {broken} (see: shopctl plugin list)." if broken else "",
        )
    return PluginFeed(format, readers[format], source, mapping, currency)


def _sniffed(source: Source) -> str:
    """The format by the first bytes: an archive, JSON, or text with columns."""
    if source.head.startswith(ZIP):
        return "xlsx"
    start = _as_utf8(source.head).lstrip()
    if start.startswith(b"["):
        from shopctl.catalogue.feed.readers.saleor import looks_like_saleor

        return "saleor" if looks_like_saleor(start) else "json"
    if start.startswith(b"{"):
        return "ndjson" if _is_ndjson(start) else "json"
    return "csv"


def _as_utf8(head: bytes) -> bytes:
    from shopctl.catalogue.feed.dialect import sniff_encoding

    encoding, mark = sniff_encoding(head)
    if encoding.startswith(("utf-16", "utf-32")):
        return head.decode(encoding, "replace").encode("utf-8", "replace")
    return head[mark:]


def _is_ndjson(start: bytes) -> bool:
    """Is the first line a whole object, and not one that holds all products?"""
    import json

    first, _, rest = start.partition(b"\n")
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and (bool(rest.strip()) or not isinstance(value.get("products"), list))
