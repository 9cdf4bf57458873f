"""Saleor's product export, as its dashboard makes it (CSV or XLSX): a row a variant, with the product's cells in each.

It is also what an export writes: the rows mean the same in every release of Saleor, while a database dump fits only the
release that made it, and writes over whatever has its keys. `readers.saleor` reads dumps.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from shopctl.catalogue.feed.shops import saleor_columns, saleor_reading, saleor_writing
from shopctl.catalogue.feed.shops.grouped import Grouped
from shopctl.catalogue.feed.shops.shop import Cells, Family, Rows, Shop, Terms

_TELLING = frozenset(
    {"product type", "charge taxes", "product weight", "variant weight", "collections", "product media",
     "variant media", "variant sku", "variant id"}
)  # fmt: skip


def shop() -> Shop:
    """The module as what it is: a shop."""
    return Saleor()


class Saleor:
    """See shop.Shop."""

    name = "saleor"

    def recognises(self, columns: frozenset[str]) -> bool:
        """An id, and a column named as only Saleor does, or several of its fixed ones."""
        special = any(saleor_columns.split(name)[1] for name in columns)
        return {"id", "name"} <= columns and (special or len(columns & _TELLING) > 1)

    def column(self, header: str) -> str:
        """See saleor_columns.column."""
        return saleor_columns.column(header)

    def rows(self, columns: frozenset[str], terms: Terms) -> Rows:
        """The rows of a product have its id; a row without one is a product of its own."""
        products = saleor_reading.Products(columns, terms)
        number = count(1)
        return Grouped(lambda cells: cells.get("id", "").strip() or f"row {next(number)}", products)

    def written(self, family: Family, terms: Terms) -> list[Cells]:
        """See saleor_writing.written."""
        return saleor_writing.written(family, terms)

    def header(self, columns: Iterable[str]) -> list[tuple[str, str]]:
        """See saleor_columns.header."""
        return saleor_columns.header(columns)
