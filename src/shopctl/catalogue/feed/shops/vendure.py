"""Vendure's product import file: a row a variant, the product's own cells in its first row, blank below it.

The rules are those of Vendure's `ImportParser`: cells are trimmed, prices are in major units, lists stand between bars,
a column may have a language (`name:de`), custom fields are `product:KEY` and `variant:KEY`.
"""

from __future__ import annotations

from collections.abc import Iterable

from shopctl.catalogue.feed.shops import vendure_reading, vendure_writing
from shopctl.catalogue.feed.shops.grouped import Grouped
from shopctl.catalogue.feed.shops.shop import Cells, Family, Rows, Terms
from shopctl.catalogue.feed.shops.vendure_columns import COLUMNS, column, main_language, said

_NEEDED = frozenset({"name", "optionGroups", "optionValues", "sku", "price"})
_TELLING = frozenset({"facets", "variantFacets", "taxCategory"})


class Vendure:
    """See shop.Shop."""

    name = "vendure"

    def recognises(self, columns: frozenset[str]) -> bool:
        """Option groups beside option values, and one of the columns that no other shop has."""
        names = {name.partition(":")[0] for name in columns}
        return names >= _NEEDED and bool(names & _TELLING)

    def column(self, header: str) -> str:
        """See vendure_columns.column."""
        return column(header)

    def rows(self, columns: frozenset[str], terms: Terms) -> Rows:
        """A row with a name begins a product; that two in a row have the same name makes them no one product."""
        language = main_language(columns)
        products = vendure_reading.Products(language, terms)
        return Grouped(lambda _cells: "", products, lambda cells: bool(said(cells, "name", language)))

    def written(self, family: Family, terms: Terms) -> list[Cells]:
        """See vendure_writing.written."""
        return vendure_writing.written(family, terms)

    def header(self, columns: Iterable[str]) -> list[tuple[str, str]]:
        """The columns Vendure wants, each in its languages, then custom fields and whatever else there is."""
        given = set(columns)
        found: list[str] = []
        for name in COLUMNS:
            spoken = sorted(each for each in given if each.startswith(f"{name}:"))
            if name in given or not spoken and name != "enabled":
                found.append(name)
            found += spoken
        rest = sorted(given.difference(found), key=lambda each: (":" not in each, each))
        return [(each, each) for each in [*found, *rest]]


def shop() -> Vendure:
    """The shop of this module."""
    return Vendure()
