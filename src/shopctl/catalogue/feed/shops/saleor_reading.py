"""What the rows of a Saleor export mean: a product with its variants, or one product where nothing is to be chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from shopctl.catalogue.feed import validate
from shopctl.catalogue.feed.groups import generated_sku
from shopctl.catalogue.feed.row import DEFAULT_LIST
from shopctl.catalogue.feed.shops.cells import COMPARE_AT, attribute, digest, is_false
from shopctl.catalogue.feed.shops.grouped import Line
from shopctl.catalogue.feed.shops.saleor_channels import Channels, as_usual, moment, price_lists, state, usual
from shopctl.catalogue.feed.shops.saleor_columns import FIXED, split
from shopctl.catalogue.feed.shops.saleor_texts import html
from shopctl.catalogue.feed.shops.shop import Cells, Record, Said, Terms
from shopctl.catalogue.feed.validate import Price

# Columns that are attributes of a product, or of a variant, and the attributes' names.
OF_THE_PRODUCT = {"product type": "product_type", "charge taxes": "charge_taxes", "product weight": "weight"}
OF_THE_VARIANT = {
    "variant is preorder": "is_preorder", "variant preorder global threshold": "preorder_global_threshold",
    "variant preorder end date": "preorder_end_date",
}  # fmt: skip
OF_A_SALE = {
    "variant cost price": "cost_price", "variant discounted price": "discounted_price",
    "variant preorder quantity threshold": "preorder_quantity_threshold",
}  # fmt: skip
"""Columns of a variant's channels."""

_SELLS = frozenset({"channel price amount", "channel product currency code", "channel variant currency code"})


class Products:
    """Makes products of the rows that have one id."""

    def __init__(self, columns: frozenset[str], terms: Terms) -> None:
        self.terms = terms
        self.named = [(name, *split(name)) for name in sorted(columns)]
        self.others = [name for name, slug, _ in self.named if not slug and name not in FIXED]
        self.columns = columns

    def __call__(self, lines: Sequence[Line], first: Cells | None) -> Iterator[Said]:
        """The product, and its variants where there is something to choose; see grouped.Grouped."""
        head = first or lines[0].cells
        product = _Product(self, head, [line.cells for line in lines])
        if len(lines) == 1 and first is None and not product.choices(head):
            line = lines[0]
            yield Said(line.line, product.skus[0], line.raw, line.cells, partial(product.single, product.skus[0]))
            return
        whole = digest([line.raw for line in lines])
        if first is None:
            yield Said(lines[0].line, product.sku, b"product" + whole + lines[0].raw, head, product.parent)
        for line, sku in zip(lines, product.skus, strict=True):
            yield Said(line.line, sku, whole + line.raw, line.cells, partial(product.variant, line.cells, sku))


class _Product:
    """A product with its variants."""

    def __init__(self, file: Products, head: Cells, variants: Sequence[Cells]) -> None:
        self.file = file
        self.head = head
        self.id = head.get("id", "").strip()
        own = [_cell(cells, "variant sku") for cells in variants]
        times = Counter(own)
        self.skus = [
            sku if sku and times[sku] == 1 else self._without_sku(cells) or sku
            for sku, cells in zip(own, variants, strict=True)
        ]
        self.sku = self.id if self.id and self.id not in self.skus else f"{self.id or self.skus[0]}-product"
        self.lists = price_lists(channel for cells in variants for channel in self._currencies(cells))
        self.priced = {
            (slug, currency) for slug, currency in self.lists if any(_cell(cells, _price(slug)) for cells in variants)
        }

    def _without_sku(self, cells: Cells) -> str:
        """The variant's id, else the product's with the options."""
        chosen = list(self.choices(cells).values())
        return _cell(cells, "variant id") or (generated_sku(self.id, chosen) if chosen else self.id)

    def choices(self, cells: Cells) -> dict[str, str]:
        """The options: the variant's attributes, those that are short enough to be chosen by."""
        found = {slug: _cell(cells, name) for name, slug, what in self.file.named if what == "variant attribute"}
        return {slug: text for slug, text in found.items() if text and len(text) <= validate.WORD_LENGTH}

    def _currencies(self, cells: Cells) -> Iterator[tuple[str, str]]:
        """The channels that a row knows the currency of, or has a price in."""
        for name, slug, what in self.file.named:
            if what in _SELLS and _cell(cells, name):
                yield slug, self._currency(cells, slug)

    def _currency(self, cells: Cells, slug: str) -> str:
        told = (_cell(cells, f"{slug} (channel {whose} currency code)") for whose in ("variant", "product"))
        return next((code.upper() for code in told if code), self.file.terms.currency)

    def parent(self) -> Record:
        """The product itself. Raises validate.Bad."""
        return self._product(self.head)

    def variant(self, cells: Cells, sku: str) -> Record:
        """A variant; it has the product's texts and places. Raises validate.Bad."""
        record = self._product(self.head)
        record.attributes.clear()
        options, links = self.choices(cells), _links(_cell(cells, "variant media"))
        record.given.update(parent_sku=self.sku, options=options, media=links)
        self._sold(record, cells, sku, weight="weight")
        return record

    def single(self, sku: str) -> Record:
        """A product that is its only variant. Raises validate.Bad."""
        record = self._product(self.head)
        links = [*_links(_cell(self.head, "product media")), *_links(_cell(self.head, "variant media"))]
        record.given["media"] = list(dict.fromkeys(links))
        self._sold(record, self.head, sku, weight="variant_weight")
        if self.id and self.id != sku:
            record.attributes["id"] = self.id
        return record

    def _product(self, cells: Cells) -> Record:
        given: dict[str, Any] = {"name": _cell(cells, "name")}
        said: dict[str, Any] = {}
        for name, slug, what in self.file.named:
            if what == "product attribute" and (text := _cell(cells, name)):
                said[slug] = attribute(text, slug)
        if "description" in cells:
            given["description"] = html(cells["description"])
        if cells.keys() & {"category", "category path"}:
            given["category"] = _cell(cells, "category path") or _cell(cells, "category")
        if "collections" in cells:
            given["tags"] = _list(cells["collections"])
        if "product media" in cells:
            given["media"] = _links(_cell(cells, "product media"))
        if "is shipping required" in cells:
            given["kind"] = "digital" if is_false(cells["is shipping required"]) else "physical"
        if "tax class" in cells:
            given["tax_class"] = _cell(cells, "tax class")
        if "brand (product attribute)" in cells:
            brand = said.pop("brand", "")
            given["brand"] = brand if isinstance(brand, str) else ", ".join(map(str, brand))
        said |= {key: text for name, key in OF_THE_PRODUCT.items() if (text := _cell(cells, name))}
        if channels := self._channels(cells):
            given |= state(channels)
            if channels != as_usual(
                given, self.priced or {(usual(self.file.terms.currency), self.file.terms.currency)}
            ):
                said["channels"] = channels
        return Record(given, said)

    def _channels(self, cells: Cells) -> Channels:
        found: Channels = {}
        for name, slug, what in self.file.named:
            text = _cell(cells, name)
            key = what.removeprefix("channel ")
            if not text or not what.startswith("channel ") or key in OF_A_SALE or "price" in key or "variant" in key:
                continue
            channel = found.setdefault(slug, {})
            if key == "product currency code":
                channel["currency"] = text.upper()
            elif key in ("published", "searchable"):
                channel[key] = not is_false(text)
            else:
                channel[{"published at": "published_at"}.get(key, "available_for_purchase_at")] = moment(text)
        return found

    def _sold(self, record: Record, cells: Cells, sku: str, *, weight: str) -> None:
        """What can be bought: prices, stock, and what else is the variant's own."""
        given, said = record
        stock = {
            slug: validate.quantity(text, self.file.terms.decimal)
            for name, slug, what in self.file.named
            if what == "warehouse quantity" and (text := _cell(cells, name))
        }
        if stock:
            given["stock"] = stock
        given["prices"] = tuple(self._prices(cells))
        sales: Channels = {}
        for name, slug, what in self.file.named:
            if (key := OF_A_SALE.get(what.removeprefix("channel "))) and (text := _cell(cells, name)):
                sales.setdefault(slug, {})[key] = text
        if sales:
            said["sales"] = sales
        said |= {key: text for name, key in OF_THE_VARIANT.items() if (text := _cell(cells, name))}
        said |= {name: attribute(text, name) for name in self.file.others if (text := _cell(cells, name))}
        for name, key in (("variant weight", weight), ("variant id", "variant_id")):
            if (text := _cell(cells, name)) and text != sku:
                said[key] = text
        if (own := _cell(cells, "variant sku")) and own != sku:
            said["shared_sku"] = own
        chosen = self.choices(cells)
        for name, slug, what in self.file.named:
            if what == "variant attribute" and slug not in chosen and (text := _cell(cells, name)):
                said[slug] = attribute(text, slug)

    def _prices(self, cells: Cells) -> Iterator[Price]:
        for slug, currency in dict.fromkeys(self._currencies(cells)):
            price_list = self.lists[slug, currency]
            for what, own in (("price", price_list), ("prior price", compare_at(price_list))):
                text = _cell(cells, f"{slug} (channel {what} amount)")
                yield from validate.single_price(text, currency, currency, self.file.terms.decimal or ".", own)


def compare_at(price_list: str) -> str:
    """The list of a channel's former prices."""
    return COMPARE_AT if price_list == DEFAULT_LIST else f"{price_list} {COMPARE_AT}"


def _price(slug: str) -> str:
    return f"{slug} (channel price amount)"


def _cell(cells: Cells, name: str) -> str:
    return cells.get(name, "").strip()


def _list(cell: str) -> list[str]:
    return [text for text in map(str.strip, cell.split(",")) if text]


def _links(cell: str) -> list[str]:
    """Links between commas, as Saleor joins them; a comma within a link has no blank after it."""
    return [link for link in map(str.strip, cell.split(", ")) if link]
