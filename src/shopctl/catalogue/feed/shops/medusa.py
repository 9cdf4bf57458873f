"""Medusa's product CSV: one row a variant, which repeats what its product says; prices by currency and by region.

What it says is described at https://docs.medusajs.com/user-guide/products/import; `medusa_writing` is the way back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from shopctl.catalogue.feed import validate
from shopctl.catalogue.feed.groups import generated_sku
from shopctl.catalogue.feed.row import DEFAULT_LIST
from shopctl.catalogue.feed.shops import medusa_columns as columns
from shopctl.catalogue.feed.shops.cells import address, attribute, digest, own_or, plain, price
from shopctl.catalogue.feed.shops.grouped import Grouped, Line
from shopctl.catalogue.feed.shops.medusa_writing import STATUSES, written
from shopctl.catalogue.feed.shops.shop import Cells, Family, Record, Said, Shop, Terms

_MAPPED = frozenset(
    """product_handle product_title product_description product_status product_thumbnail product_tags variant_sku
    variant_product_id product_metadata variant_metadata""".split()
) | {columns.QUANTITY}
_ID = "pcat_"  # what stands for the name of a category in an export
_NO_CHOICE = frozenset({"default option value", "default value", "default variant", "default title", "default"})


def shop() -> Shop:
    """The module as what it is: a shop."""
    return Medusa()


class Medusa:
    """See shop.Shop."""

    name = "medusa"

    def recognises(self, columns_given: frozenset[str]) -> bool:
        """See shop.Shop."""
        return columns.recognised(columns_given)

    def column(self, header: str) -> str:
        """See shop.Shop."""
        return columns.column(header)

    def rows(self, columns_given: frozenset[str], terms: Terms) -> Grouped:
        """See shop.Shop."""
        products = _Products(columns_given, terms)
        return Grouped(_key, products.said, products.stands_alone)

    def written(self, family: Family, terms: Terms) -> list[Cells]:
        """See shop.Shop."""
        return written(family, terms)

    def header(self, columns_used: Iterable[str]) -> list[tuple[str, str]]:
        """See shop.Shop."""
        return columns.header(columns_used)


def _key(cells: Cells) -> str:
    """The handle; without one the id or the title, of which Medusa makes a handle."""
    title = cells.get("product_title", "").strip()
    handle = plain(cells.get("product_handle", "")) or cells.get("product_id", "").strip()
    return handle or (address(title) if title else "")


class _Products:
    """Makes products of the rows of a handle."""

    def __init__(self, given: frozenset[str], terms: Terms) -> None:
        self.given = given
        self.terms = terms
        self.options = [
            (name, name.removesuffix("name") + "value") for name in columns.numbered(given, "option", "name")
        ]
        self.prices = columns.prices(given)
        self.images = columns.numbered(given, "image")
        self.tags = columns.numbered(given, "tag")
        self.categories = columns.numbered(given, "category")
        taken = {*self.images, *self.tags, *self.categories, *(name for name, _, _ in self.prices)}
        taken.update(name for pair in self.options for name in pair)
        others = sorted(name for name in given - _MAPPED - taken)
        self.of_variant = [name for name in others if name.startswith("variant_")]
        self.of_product = [name for name in others if not name.startswith("variant_")]
        self.repeated = [name for name in given if not name.startswith(("variant_", "option_", "price "))]

    def said(self, lines: Sequence[Line], earlier: Cells | None) -> Iterator[Said]:
        """The product and its variants, or the product alone. `earlier`: its first row, where that is done with."""
        first = earlier or lines[0].cells
        product = {name: next(filter(None, (line.cells[name] for line in lines)), "") for name in self.repeated}
        product = {name: first[name] or product[name] for name in self.repeated}
        rows = [line.cells | {name: own_or(line.cells, product, name) for name in self.repeated} for line in lines]
        handle, of_all = _key(first), digest([line.raw for line in lines])
        skus = [self._sku(row, handle) for row in rows]
        if earlier is None and len(rows) == 1 and not self._choices(rows[0]):
            yield Said(lines[0].line, skus[0], lines[0].raw, rows[0], partial(self._single, rows[0], skus[0], handle))
            return
        metadata = _object(product.get("product_metadata", ""))
        parent = str(metadata.get("sku") or "") or (f"{handle}-product" if handle in skus else handle)
        if earlier is None:
            raw = b"parent" + of_all + lines[0].raw
            yield Said(lines[0].line, parent, raw, rows[0], partial(self._parent, product, parent, handle))
        for line, row, sku in zip(lines, rows, skus, strict=True):
            yield Said(line.line, sku, of_all + line.raw, row, partial(self._variant, row, sku, parent))

    def stands_alone(self, row: Cells) -> bool:
        """Whether the only variant there is says so: a product of its own, even if another has its handle as well."""
        chosen = [cell for _, name in self.options if (cell := row.get(name, "").strip())]
        return len(chosen) == 1 and chosen[0].casefold() in _NO_CHOICE

    def _choices(self, row: Cells) -> dict[str, str]:
        pairs = ((row[name].strip() or f"Option {number}", plain(row.get(value, "")))
                 for number, (name, value) in enumerate(self.options, 1))  # fmt: skip
        chosen = {name: value for name, value in pairs if value}
        return {} if len(chosen) == 1 and next(iter(chosen.values())).casefold() in _NO_CHOICE else chosen

    def _sku(self, row: Cells, handle: str) -> str:
        own = plain(row.get("variant_sku", "")) or row.get("variant_id", "").strip()
        return own or generated_sku(handle, list(self._choices(row).values()))

    def _single(self, row: Cells, sku: str, handle: str) -> Record:
        record = self._parent(row, sku, handle)
        self._of_variant(record, row)
        return record

    def _parent(self, row: Cells, sku: str, handle: str) -> Record:
        record = self._product(row)
        given, said = record
        said |= {name: attribute(row[name].strip(), name) for name in self.of_product if row[name].strip()}
        said |= {f"product_{name}": row[name].strip() for name in self.categories if row[name].strip().startswith(_ID)}
        said |= self._metadata(row, "product_metadata")
        said.pop("sku", None)
        if self.images or "product_thumbnail" in self.given:
            links = [row[name].strip() for name in self.images if row[name].strip()]
            thumbnail = row.get("product_thumbnail", "").strip()
            links = links or [link for link in [thumbnail] if link]
            given["media"] = [{"url": link} for link in dict.fromkeys(links)]
            if thumbnail and thumbnail != links[0]:
                said["product_thumbnail"] = thumbnail
        if handle != sku:
            said["handle"] = handle
        return record

    def _variant(self, row: Cells, sku: str, parent: str) -> Record:
        record = self._product(row)
        record.given.update(parent_sku=parent, options=self._choices(row))
        self._of_variant(record, row)
        return record

    def _product(self, row: Cells) -> Record:
        """What holds for the product and each of its variants."""
        given: dict[str, Any] = {"name": row["product_title"]}
        if "product_description" in self.given:
            given["description"] = row["product_description"]
        said: dict[str, Any] = {}
        if "product_status" in self.given:
            word = row["product_status"].strip().casefold()
            given["status"] = validate.status(word or "draft")
            if row.get("product_deleted_at", "").strip():
                given["status"] = "retired"
            elif word and STATUSES[given["status"]] != word:
                said["product_status"] = word
        if self.tags or "product_tags" in self.given:
            words = [row[name] for name in self.tags] + row.get("product_tags", "").split(",")
            given["tags"] = [word.strip() for word in words if word.strip()]
        if self.categories:
            cells = [row[name].strip() for name in self.categories]
            names = [cell for cell in cells if cell and not cell.startswith(_ID)]
            given["category"], given["categories"] = (names or [""])[0], names[1:]
        return Record(given, said)

    def _of_variant(self, record: Record, row: Cells) -> None:
        given, said = record
        for name in self.of_variant:
            if cell := row[name].strip():
                said[name] = attribute(cell, name)
        said |= self._metadata(row, "variant_metadata")
        if self.prices:
            given["prices"] = tuple(
                found
                for name, code, region in self.prices
                for found in price(row[name], self.terms._replace(currency=code), region or DEFAULT_LIST)
            )
        if quantity := row.get(columns.QUANTITY, "").strip():
            given["stock"] = dict(validate.stock(plain(quantity), decimal=self.terms.decimal))

    def _metadata(self, row: Cells, name: str) -> dict[str, Any]:
        """The pairs of an object, else the text as it is."""
        cell = row.get(name, "").strip()
        found = _object(cell)
        return found or ({name: cell} if cell not in ("", "{}") else {})


def _object(cell: str) -> dict[str, Any]:
    if not cell.startswith("{"):
        return {}
    value = attribute(cell, "metadata")
    return value if isinstance(value, dict) else {}
