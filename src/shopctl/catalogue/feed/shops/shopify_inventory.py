"""Shopify's inventory CSV: a row for each variant and location, which says how many lie there and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from shopctl.catalogue.feed import validate
from shopctl.catalogue.feed.columns import squeeze
from shopctl.catalogue.feed.groups import generated_sku
from shopctl.catalogue.feed.shops.cells import digest, plain, slug
from shopctl.catalogue.feed.shops.grouped import Grouped, Line
from shopctl.catalogue.feed.shops.shop import Cells, Family, Record, Said, Shop, Terms

# The column a keeper fills in comes before the one Shopify fills.
_QUANTITIES = ("onhandnew", "onhandcurrent", "onhand", "availablenew", "available")
_HEADER = {
    "handle": "Handle", "title": "Title", "option1value": "Option1 Value", "option2value": "Option2 Value",
    "option3value": "Option3 Value", "sku": "SKU", "location": "Location", "onhand": "On hand",
}  # fmt: skip


def shop() -> Shop:
    """The module as what it is: a shop."""
    return ShopifyInventory()


class ShopifyInventory:
    """See shop.Shop."""

    name = "shopify-inventory"

    def recognises(self, columns: frozenset[str]) -> bool:
        """A handle, a location and how many lie there."""
        return {"handle", "sku", "location"} <= columns and not columns.isdisjoint(_QUANTITIES)

    def column(self, header: str) -> str:
        """See shop.Shop."""
        return squeeze(header)

    def rows(self, columns: frozenset[str], terms: Terms) -> Grouped:
        """See shop.Shop."""
        return Grouped(_handle, partial(_said, terms))

    def written(self, family: Family, terms: Terms) -> list[Cells]:
        """See shop.Shop."""
        return [
            {"handle": family[0].sku, "title": family[0].name, "sku": product.sku, "location": level.location,
             "onhand": str(level.on_hand)}
            for product in family
            for level in product.stock
        ]  # fmt: skip

    def header(self, columns: Iterable[str]) -> list[tuple[str, str]]:
        """See shop.Shop."""
        return list(_HEADER.items())


def _handle(cells: Cells) -> str:
    return plain(cells["handle"]) or slug(cells.get("title", ""))


def _choices(cells: Cells) -> list[str]:
    found = [plain(cells.get(f"option{number}value", "")) for number in (1, 2, 3)]
    return [choice for choice in found if choice]


def _said(terms: Terms, lines: Sequence[Line], _earlier: Cells | None) -> Iterator[Said]:
    variants: dict[tuple[str, ...], list[Line]] = {}
    for line in lines:
        variants.setdefault((plain(line.cells["sku"]), *_choices(line.cells)), []).append(line)
    skus = [key[0] for key in variants]
    for (sku, *choices), levels in variants.items():
        # As in the product file, a SKU that several variants share tells none of them.
        known = sku if sku and skus.count(sku) == 1 else generated_sku(_handle(lines[0].cells), choices)
        raw = digest([line.raw for line in levels]) + levels[0].raw
        yield Said(levels[0].line, known, raw, levels[0].cells, partial(_record, terms, levels))


def _record(terms: Terms, levels: Sequence[Line]) -> Record:
    """Where a variant is not stocked, nothing is said."""
    stock: dict[str, int] = {}
    for _, _, cells in levels:
        cell = next((text for name in _QUANTITIES if (text := plain(cells.get(name, "")))), "")
        location = validate.word(cells["location"].strip(), "location", validate.WORD_LENGTH)
        if cell and cell.casefold() != "not stocked":
            stock |= validate.stock("0" if cell.startswith("-") else cell, location, terms.decimal)
    return Record({"stock": stock}, {})
