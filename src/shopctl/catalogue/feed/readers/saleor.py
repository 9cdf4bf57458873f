"""Reads a Saleor dump (Django's dumpdata JSON), whose rows may stand in any order, product by product."""

from __future__ import annotations

import json
from collections.abc import Iterator

from shopctl.catalogue.feed.errors import BadJson
from shopctl.catalogue.feed.exact import Exact
from shopctl.catalogue.feed.readers.json import JsonFeed
from shopctl.catalogue.feed.records import Record
from shopctl.catalogue.feed.row import canonical
from shopctl.records.source import Stream


def looks_like_saleor(start: bytes) -> bool:
    """Do the first bytes of a JSON list look like a dump?"""
    return all(key in start[:4096] for key in (b'"model"', b'"pk"', b'"fields"'))


class SaleorFeed(JsonFeed):
    """A record a product and a variant; the numbers count them in the order of the dump's products."""

    format = "saleor"

    def cut(self, stream: Stream) -> Iterator[Record]:
        from shopctl.catalogue.feed.readers.saleor_products import records
        from shopctl.catalogue.feed.readers.saleor_tables import Tables

        tables = Tables()
        for number, raw in super().cut(stream):
            try:
                row = json.loads(raw, parse_float=Exact)
                tables.add(row["model"], row["pk"], row["fields"])
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                raise BadJson(file=self.source.name, detail=f"element {number} is not a row of a dump") from None
        tables.complete()
        try:
            for number, record in enumerate(records(tables), start=1):
                yield number, canonical(record).encode()
        except (KeyError, TypeError, AttributeError, ValueError) as problem:
            raise BadJson(file=self.source.name, detail=f"the dump lacks {problem}") from None
