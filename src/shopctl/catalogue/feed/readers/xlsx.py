"""Reads XLSX: the first visible sheet, whose first row with anything in it is the header."""

from __future__ import annotations

from shopctl.catalogue.feed.errors import NoIdentity, NoIdentityInSheet, NoRows, NoRowsInSheet
from shopctl.catalogue.feed.mapping import Mapping
from shopctl.catalogue.feed.sheet import SheetFeed
from shopctl.catalogue.feed.workbook import Workbook
from shopctl.records.source import Source


class XlsxFeed(SheetFeed):
    """Lines are the row numbers of the sheet."""

    def __init__(self, source: Source, mapping: Mapping, default_currency: str, shop: str = "auto") -> None:
        workbook = Workbook(source.spool(), source.name, source.limits)
        try:
            super().__init__("xlsx", source, workbook.rows(), mapping, default_currency, shop)
        except (NoRows, NoIdentity) as problem:
            # A cover often stands before the products.
            if not workbook.others:
                raise
            others = ", ".join(repr(name[:40]) for name in workbook.others[:10])
            where = {"file": source.name, "sheet": workbook.title[:40], "others": others}
            if isinstance(problem, NoRows):
                raise NoRowsInSheet(**where) from None
            raise NoIdentityInSheet(**where, columns=problem.facts["columns"]) from None
