"""What the rows of a Vendure file mean: a product with its variants, or one product where nothing is to be chosen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from shopctl.catalogue.feed import validate
from shopctl.catalogue.feed.groups import generated_sku
from shopctl.catalogue.feed.row import DEFAULT_LOCATION
from shopctl.catalogue.feed.shops import vendure_facets
from shopctl.catalogue.feed.shops.cells import attribute, digest, price
from shopctl.catalogue.feed.shops.grouped import Line
from shopctl.catalogue.feed.shops.shop import Cells, Record, Said, Terms
from shopctl.catalogue.feed.shops.vendure_columns import is_attribute, of_the_product, said, slug_of
from shopctl.catalogue.feed.validate import Bad

_BELOW_NOTHING = re.compile(r"-(\d+)(?:\.0+)?")


class Products:
    """Makes products of the rows that belong to one of them."""

    def __init__(self, language: str, terms: Terms) -> None:
        self.language = language
        self.terms = terms

    def __call__(self, lines: Sequence[Line], first: Cells | None) -> Iterator[Said]:
        """The product, and its variants where there is something to choose; see grouped.Grouped."""
        head = first or lines[0].cells
        product = _Product(head, [line.cells for line in lines], self.language, self.terms)
        if len(lines) == 1 and not product.groups and first is None:
            line = lines[0]
            yield Said(line.line, product.skus[0], line.raw, line.cells, product.single)
            return
        whole = digest([line.raw for line in lines])
        if first is None:
            yield Said(lines[0].line, product.sku, b"product" + whole + lines[0].raw, head, product.parent)
        shared = {name: cell for name, cell in head.items() if of_the_product(name)}
        for line, sku in zip(lines, product.skus, strict=True):
            read = partial(product.variant, line.cells)
            yield Said(line.line, sku, whole + line.raw, line.cells | shared, read)


class _Product:
    """A product with its variants."""

    def __init__(self, head: Cells, variants: Sequence[Cells], language: str, terms: Terms) -> None:
        self.head = head
        self.language = language
        self.terms = terms
        self.name = said(head, "name", language)
        self.groups = vendure_facets.parts(said(head, "optionGroups", language))
        self.slug = said(head, "slug", language) or slug_of(self.name)
        counts = Counter(cells.get("sku", "").strip() for cells in variants)
        self.repeated = {sku for sku, count in counts.items() if count > 1 or not sku}
        self.skus = [self._sku(cells) for cells in variants]
        # A variant may be called what the product's slug is: then the product is called otherwise.
        self.sku = self.slug if self.slug not in self.skus else f"{self.slug}-product"

    def _sku(self, cells: Cells) -> str:
        """The SKU; where variants share one (Vendure lets them), or have none, slug and options tell them apart."""
        sku = cells.get("sku", "").strip()
        return sku if sku not in self.repeated else generated_sku(self.slug, self._values(cells)) or sku

    def _values(self, cells: Cells) -> list[str]:
        return vendure_facets.parts(said(cells, "optionValues", self.language))

    def parent(self) -> Record:
        """The product itself. Raises validate.Bad."""
        facets = vendure_facets.read(said(self.head, "facets", self.language))
        given = {
            "name": self.name,
            "description": said(self.head, "description", self.language),
            "media": _links(self.head.get("assets", "")),
            **_fields(facets),
            **_status(self.head),
        }
        attributes = facets.attributes | self._attributes(self.head, product=True)
        if self.groups != sorted(self.groups):
            attributes["optionGroups"] = "|".join(self.groups)
        if self.slug != self.sku:
            attributes["slug"] = self.slug
        return Record(given, attributes)

    def variant(self, cells: Cells) -> Record:
        """A variant; what its own facets do not say is the product's. Raises validate.Bad."""
        values = self._values(cells)
        if len(values) != len(self.groups):
            counted = f"{len(self.groups)} option group(s) but {len(values)} option value(s)"
            raise Bad("optionValues", "options.invalid", counted)
        facets = vendure_facets.inherited(
            vendure_facets.read(said(self.head, "facets", self.language)),
            vendure_facets.read(said(cells, "variantFacets", self.language)),
        )
        given = {
            "parent_sku": self.sku,
            "name": self.name,
            "description": said(self.head, "description", self.language),
            "options": dict(zip(self.groups, values, strict=True)),
            "media": _links(cells.get("variantAssets", "")),
            **_fields(facets),
            **self._sold(cells),
        }
        return Record(given, facets.attributes | self._attributes(cells, product=False))

    def single(self) -> Record:
        """A product that is its only variant. Raises validate.Bad."""
        facets = "|".join(said(self.head, name, self.language) for name in ("facets", "variantFacets"))
        found = vendure_facets.read(facets)
        links = _links("|".join(self.head.get(name, "") for name in ("assets", "variantAssets")))
        given = {**self.parent().given, **_fields(found), "media": links, **self._sold(self.head)}
        attributes = found.attributes | self._attributes(self.head, product=True)
        attributes |= self._attributes(self.head, product=False)
        if self.slug != slug_of(self.name):
            attributes["slug"] = self.slug
        return Record(given, attributes)

    def _sold(self, cells: Cells) -> dict[str, Any]:
        found: dict[str, Any] = {"prices": price(cells.get("price", ""), self.terms), **_status(cells)}
        if "taxCategory" in cells:
            found["tax_class"] = cells["taxCategory"].strip()
        if stock := _stock(cells, self.terms):
            found["stock"] = stock
        return found

    def _attributes(self, cells: Cells, *, product: bool) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, cell in cells.items():
            if (text := cell.strip()) and of_the_product(name) == product and is_attribute(name, self.language):
                found[name] = attribute(text, name)
        if product:
            return found | ({"languageCode": self.language} if self.language else {})
        if track := cells.get("trackInventory", "").strip():
            found["trackInventory"] = track.lower()
        if "stockOnHand" in cells and (below := _BELOW_NOTHING.fullmatch(cells["stockOnHand"].strip())):
            found["oversold"] = below[1]
        if (sku := cells.get("sku", "").strip()) in self.repeated and sku:
            found["shared_sku"] = sku
        return found


def _fields(facets: vendure_facets.Facets) -> dict[str, Any]:
    first, *more = facets.categories or [""]
    return {"category": first, "categories": more, "brand": facets.brand, "tags": facets.tags}


def _status(cells: Cells) -> dict[str, str]:
    return {"status": cells["enabled"] or "active"} if "enabled" in cells else {}


def _links(cell: str) -> list[str]:
    return list(dict.fromkeys(vendure_facets.parts(cell)))


def _stock(cells: Cells, terms: Terms) -> dict[str, int]:
    """`100`, or by location: `berlin:3|paris:4`, or columns `stockOnHand:berlin`.

    Vendure counts below nothing what was sold without being there; here nothing is left.
    """
    found: dict[str, int] = {}
    for name, cell in cells.items():
        base, _, place = name.partition(":")
        for part in vendure_facets.parts(cell) if base == "stockOnHand" else ():
            location, _, count = (text.strip() for text in part.rpartition(":"))
            left = 0 if _BELOW_NOTHING.fullmatch(count) else validate.quantity(count, terms.decimal)
            found[location or place or DEFAULT_LOCATION] = left
    return found
