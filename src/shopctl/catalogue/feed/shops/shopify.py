"""Shopify's product CSV: one row a variant under a handle, further rows for further images.

What it says is described at https://help.shopify.com/en/manual/products/import-export/using-csv; how it is understood,
in docs/feeds-of-shops.md. `shopify_writing` is the way back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from shopctl.catalogue.feed import validate
from shopctl.catalogue.feed.groups import generated_sku
from shopctl.catalogue.feed.shops import shopify_columns
from shopctl.catalogue.feed.shops.cells import COMPARE_AT, attribute, digest, is_false, own_or, plain, price, slug
from shopctl.catalogue.feed.shops.grouped import Grouped, Line
from shopctl.catalogue.feed.shops.shop import Cells, Family, Record, Said, Shop, Terms
from shopctl.catalogue.feed.shops.shopify_writing import written
from shopctl.catalogue.feed.validate import Price

# A row with none of these only adds an image.
_OF_THE_VARIANT = ("sku", "price", "barcode", "inventory_quantity", "option1_value", "option2_value", "option3_value")
# Columns of the product that a variant has from it, where its own row is blank.
_INHERITED = ("title", "body", "vendor", "product_category", "type", "tags", "published", "status", "gift_card")
_TELLING = frozenset(
    {"body", "vendor", "grams", "inventory_policy", "fulfillment_service", "requires_shipping", "taxable"}
)
_OPTIONS = ("1", "2", "3")
_MOST_REMEMBERED = 2000  # products whose further rows may stand elsewhere in the file
_FACTS = {
    "barcode": "", "cost_per_item": "", "inventory_policy": "deny", "fulfillment_service": "manual", "grams": "0",
    **dict.fromkeys(shopify_columns.UNIT_PRICE, ""),
}  # fmt: skip
"""Columns of a variant that are attributes of the same name, unless they say what every variant says."""
_NOT_ATTRIBUTES = frozenset(
    {*_OF_THE_VARIANT, *_INHERITED, *_FACTS, "handle", "image", "image_position", "image_alt", "variant_image",
     "seo_title", "seo_description", "inventory_tracker", "compare_at", "requires_shipping", "taxable", "tax_code",
     "weight_unit", "metafield shopctl.sku",
     *(f"option{number}_{part}" for number in _OPTIONS for part in ("name", "linkedto"))}
)  # fmt: skip
PARENT_SKU = "metafield shopctl.sku"  # of a parent whose SKU cannot be a handle


def shop() -> Shop:
    """The module as what it is: a shop."""
    return Shopify()


class Shopify:
    """See shop.Shop."""

    name = "shopify"

    def recognises(self, columns: frozenset[str]) -> bool:
        """A handle and a title with the options or the facts of a variant as no other shop has them."""
        options = "option1_value" in columns or len(columns & _TELLING) >= 3
        return {"handle", "title"} <= columns and bool(columns & {"sku", "price"}) and options

    def column(self, header: str) -> str:
        """See shop.Shop."""
        return shopify_columns.column(header)

    def rows(self, columns: frozenset[str], terms: Terms) -> Grouped:
        """See shop.Shop."""
        reader = _Products(columns, terms)
        return Grouped(_key, reader.said, _is_alone)

    def written(self, family: Family, terms: Terms) -> list[Cells]:
        """See shop.Shop."""
        return written(family, terms)

    def header(self, columns: Iterable[str]) -> list[tuple[str, str]]:
        """See shop.Shop."""
        return shopify_columns.header(columns)


def _key(cells: Cells) -> str:
    """The handle; without one a title begins a product, whose handle Shopify makes of the title."""
    return plain(cells.get("handle", "")) or slug(cells.get("title", ""))


def _is_alone(cells: Cells) -> bool:
    """A product without options has one variant, so another of the same handle is another product."""
    return bool(cells.get("title", "").strip()) and cells.get("option1_value", "").strip() == "Default Title"


class _Products:
    """Makes products of the rows of a handle."""

    def __init__(self, columns: frozenset[str], terms: Terms) -> None:
        self.columns = columns
        self.terms = terms
        self.others = sorted(
            name for name in columns if name not in _NOT_ATTRIBUTES and not name.startswith(("Price / ", "Compare at"))
        )
        self.shared = [name for name in self.others if not name.casefold().startswith(("variant", "image", "cost"))]
        self.firsts: dict[str, Cells] = {}
        self.markets = sorted(name.partition(" / ")[2] for name in columns if name.startswith("Price / "))

    def said(self, lines: Sequence[Line], earlier: Cells | None) -> Iterator[Said]:
        """The product and its variants, or the product alone. `earlier`: its first row, where that is done with."""
        handle = _key(lines[0].cells) or _key(earlier or {})
        if earlier is None and not lines[0].cells.get("title", "").strip():
            earlier = self.firsts.get(handle)  # somebody has sorted the file
        product = earlier or lines[0].cells
        if earlier is None:
            self.firsts[handle] = product
            if len(self.firsts) > _MOST_REMEMBERED:
                del self.firsts[next(iter(self.firsts))]
        of_first = ["\x1f".join(earlier.values()).encode("utf-8", "surrogatepass")] if earlier else []
        of_all = digest([*of_first, *(line.raw for line in lines)])
        variants = [line for line in lines if any(line.cells.get(name, "").strip() for name in _OF_THE_VARIANT)]
        variants = variants or [lines[0]]
        links, alts = self._images(lines)
        rows = [self._complete(line.cells, product, handle, links, alts) for line in variants]
        skus = self._skus(rows, handle)
        if earlier is None and len(rows) == 1 and not self._choices(rows[0]):
            raw = of_all + variants[0].raw
            yield Said(variants[0].line, skus[0], raw, rows[0], partial(self._single, rows[0], skus[0]))
            return
        parent = product.get(PARENT_SKU, "").strip() or (f"{handle}-product" if handle in skus else handle)
        if earlier is None:
            raw = b"parent" + of_all + lines[0].raw
            row = rows[0] if variants[0] is lines[0] else self._complete(lines[0].cells, product, handle, links, alts)
            yield Said(lines[0].line, parent, raw, row, partial(self._parent, row, parent))
        for line, row, sku in zip(variants, rows, skus, strict=True):
            yield Said(line.line, sku, of_all + line.raw, row, partial(self._variant, row, sku, parent))

    def _images(self, lines: Sequence[Line]) -> tuple[list[str], list[str]]:
        found: list[tuple[int, str, str]] = []
        for line in lines:
            links = line.cells.get("image", "").strip().splitlines()
            alts = line.cells.get("image_alt", "").splitlines() or [""]
            position = line.cells.get("image_position", "").strip()
            for index, link in enumerate(links):
                place = int(position) if position.isdecimal() and len(position) < 10 else 0
                if link.strip() and link.strip() not in [other for _, other, _ in found]:
                    found.append((place, link.strip(), alts[index].strip() if index < len(alts) else ""))
        found.sort(key=lambda image: image[0])
        return [link for _, link, _ in found], [alt for _, _, alt in found]

    def _complete(self, cells: Cells, product: Cells, handle: str, links: list[str], alts: list[str]) -> Cells:
        """The row as it could stand alone: with what the product's first row says, and all images, a line each."""
        row = dict(cells)
        for name in (*_INHERITED, *self.shared, PARENT_SKU, "seo_title", "seo_description"):
            if name in row:
                row[name] = own_or(cells, product, name)
        for number in _OPTIONS:
            for part in ("name", "linkedto"):
                if (name := f"option{number}_{part}") in row:
                    row[name] = own_or(cells, product, name)
        row |= {"handle": handle, "image": "\n".join(links), "image_alt": "\n".join(alts) if any(alts) else ""}
        return {name: cell for name, cell in row.items() if name in cells}

    def _choices(self, row: Cells) -> dict[str, str]:
        pairs = [
            (
                row.get(f"option{number}_name", "").strip() or f"Option {number}",
                plain(row.get(f"option{number}_value", "")),
            )
            for number in _OPTIONS
        ]
        chosen = {name: choice for name, choice in pairs if choice}
        return {} if list(chosen.values()) == ["Default Title"] else chosen

    def _skus(self, rows: Sequence[Cells], handle: str) -> list[str]:
        own = [plain(row.get("sku", "")) for row in rows]
        times = Counter(own)
        # A SKU that several variants of a product share tells none of them.
        return [
            sku if sku and times[sku] == 1 else generated_sku(handle, list(self._choices(row).values()))
            for sku, row in zip(own, rows, strict=True)
        ]

    def _single(self, row: Cells, sku: str) -> Record:
        record = self._product(row)
        self._of_variant(record, row, sku)
        if row["handle"] != sku:
            record.attributes["handle"] = row["handle"]
        return record

    def _parent(self, row: Cells, sku: str) -> Record:
        record = self._product(row)
        record.given.setdefault("kind", self._kind(record, row))
        if "tax_code" in self.columns:
            record.given["tax_class"] = row["tax_code"]
        if row["handle"] != sku:
            record.attributes["handle"] = row["handle"]
        for number in _OPTIONS:
            if linked := row.get(f"option{number}_linkedto", "").strip():
                record.attributes[f"option{number}_linkedto"] = linked
        return record

    def _variant(self, row: Cells, sku: str, parent: str) -> Record:
        record = self._product(row)
        for name in ("seo_title", "seo_description"):
            record.attributes.pop(name, None)
        record.given.update(parent_sku=parent, options=self._choices(row))
        link = row.get("variant_image", "").strip()
        alts = dict(zip(row.get("image", "").splitlines(), row.get("image_alt", "").splitlines(), strict=False))
        record.given["media"] = [{"url": link, "alt": alts.get(link, "")}] if link else []
        self._of_variant(record, row, sku)
        return record

    def _product(self, row: Cells) -> Record:
        """What holds for the product and each of its variants."""
        given: dict[str, Any] = {"name": row.get("title", ""), "parent_sku": ""}
        said: dict[str, Any] = {
            "seo_title": row.get("seo_title", ""),
            "seo_description": row.get("seo_description", ""),
        }
        for field, name in (("description", "body"), ("brand", "vendor")):
            if name in self.columns:
                given[field] = row[name]
        if "tags" in self.columns:
            given["tags"] = [tag.strip() for tag in row["tags"].split(",") if tag.strip()]
        if self.columns & {"type", "product_category"}:
            category, kind = row.get("product_category", "").strip(), row.get("type", "").strip()
            given["category"] = category or kind
            if category and kind:
                said["product_type"] = kind
        if self.columns & {"status", "published"}:
            given["status"] = _status(row, said)
        if "image" in self.columns:
            alts = row.get("image_alt", "").splitlines()
            given["media"] = [
                {"url": link, "alt": alts[index] if index < len(alts) else ""}
                for index, link in enumerate(row["image"].splitlines())
            ]
        if not is_false(row.get("gift_card", "") or "false"):
            said["gift_card"], given["kind"] = "true", "digital"
        said |= {shopify_columns.attribute_of(name): attribute(row[name].strip(), name) for name in self.others}
        return Record(given, {name: value for name, value in said.items() if value not in ("", None)})

    def _of_variant(self, record: Record, row: Cells, sku: str) -> None:
        """What can be bought: prices, stock, tax, what it weighs."""
        given, said = record
        if "price" in self.columns:
            given["prices"] = self._prices(row)
        if self.columns & {"requires_shipping", "gift_card"}:
            given["kind"] = self._kind(record, row)
        if "tax_code" in self.columns:
            given["tax_class"] = row["tax_code"]
        if "inventory_quantity" in self.columns:
            self._stock(record, row)
        if is_false(row.get("taxable", "")):
            said["taxable"] = "false"
        for name, usual in _FACTS.items():
            cell = plain(row.get(name, ""))
            if cell and cell.casefold() != usual and (name != "grams" or cell.strip("0.,")):
                said[name] = cell
        if "grams" in said and (unit := row.get("weight_unit", "").strip()):
            said["weight_unit"] = unit
        own = plain(row.get("sku", ""))
        if own and own != sku:
            said["shared_sku"] = own

    def _kind(self, record: Record, row: Cells) -> str:
        return (
            "digital" if is_false(row.get("requires_shipping", "")) or "gift_card" in record.attributes else "physical"
        )

    def _prices(self, row: Cells) -> tuple[Price, ...]:
        found = price(row["price"], self.terms) + price(row.get("compare_at", ""), self.terms, COMPARE_AT)
        for market in self.markets:
            found += price(row[f"Price / {market}"], self.terms, market)
            found += price(row.get(f"Compare at price / {market}", ""), self.terms, f"{market} {COMPARE_AT}")
        return found

    def _stock(self, record: Record, row: Cells) -> None:
        """Where nobody keeps track of the stock, the number beside it means nothing."""
        cell, tracker = plain(row["inventory_quantity"]), row.get("inventory_tracker", "").strip()
        if not cell or "inventory_tracker" in self.columns and not tracker:
            return
        if cell.startswith("-"):  # sold beyond what there was
            record.attributes["oversold"], cell = cell[1:], "0"
        record.given["stock"] = dict(validate.stock(cell, decimal=self.terms.decimal))
        if tracker and tracker.casefold() != "shopify":
            record.attributes["inventory_tracker"] = tracker


def _status(row: Cells, said: dict[str, Any]) -> str:
    """Draft is also what is active but not published on the online store."""
    cell = row.get("status", "").strip()
    if cell.casefold() == "unlisted":
        said["published"] = "unlisted"
        return "draft"
    status = validate.status(cell)
    if status == "active" and is_false(row.get("published", "")):
        if cell:
            said["published"] = "false"
        return "draft"
    return status
