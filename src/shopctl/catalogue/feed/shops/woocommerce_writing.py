"""Products as the rows of WooCommerce's product CSV; `woocommerce` reads them back."""

from __future__ import annotations

import re
from typing import Any

from shopctl.catalogue.feed.shops.cells import attribute_cell, stock_cell
from shopctl.catalogue.feed.shops.shop import Cells, Family, Terms
from shopctl.catalogue.feed.shops.woocommerce_columns import META, SIZES, escaped, joined, without_lines
from shopctl.catalogue.feed.shops.woocommerce_prices import price_cells
from shopctl.catalogue.feed.shops.woocommerce_types import type_of
from shopctl.catalogue.model import Product

FACTS = {
    "gtin": "", "featured": "0", "catalog_visibility": "visible", "short_description": "", "tax_status": "taxable",
    "low_stock_amount": "", "backorders": "0", "sold_individually": "0", "reviews_allowed": "1", "purchase_note": "",
    "shipping_class": "", "download_limit": "", "download_expiry_days": "", "external_url": "", "button_text": "",
    "position": "0", "cost_of_goods": "",
}  # fmt: skip
"""Columns that are attributes of the same name, unless they say what every product says."""
FLAGS = "attribute_flags"
_NATIVE = frozenset(FACTS) | {
    "product_type", "published", "further_brands", "upsells", "cross_sells", "downloads", "manage_stock", "oversold",
    "in_stock", FLAGS,
}  # fmt: skip
_NUMBER = re.compile(r"id:([0-9]+)")
_PUBLISHED = {"active": "1", "draft": "-1", "retired": "-1"}


def written(family: Family, terms: Terms) -> list[Cells]:
    """A row for the product and one for each variant."""
    product, *variants = family
    rows = [_row(product, terms, is_parent=bool(variants))]
    rows[0] |= _numbered(_attributes(product, variants), product.attributes.get(FLAGS), is_variant=False)
    if product.components:
        rows[0]["grouped_products"] = joined(part["sku"] for part in product.components)
    for variant in variants:
        row = _row(variant, terms, is_variant=True) | {"parent": product.sku}
        rows.append(row | _numbered(dict(variant.options), None, is_variant=True))
    return [{name: escaped(cell) for name, cell in row.items()} for row in rows]


def _row(product: Product, terms: Terms, *, is_parent: bool = False, is_variant: bool = False) -> Cells:
    said = product.attributes
    number = _NUMBER.fullmatch(product.sku)
    brands = [product.brand, *_texts(said.get("further_brands"))] if product.brand else []
    cells = {
        "id": number[1] if number else "",
        "sku": "" if number else product.sku,
        "type": type_of(product.kind, said.get("product_type"), is_parent=is_parent, is_variant=is_variant),
        "name": product.name,
        "published": "0"
        if product.status == "draft" and said.get("published") == "private"
        else _PUBLISHED[product.status],
        "description": without_lines(product.description),
        "tax_class": product.tax_class,
        "categories": joined([product.category, *product.categories] if product.category else product.categories),
        "tags": joined(product.tags),
        "brands": joined(brands),
        "images": joined(image["url"] for image in product.media),
        "upsells": joined(_texts(said.get("upsells"))),
        "cross_sells": joined(_texts(said.get("cross_sells"))),
    }
    for name, usual in FACTS.items():
        value = said.get(name)
        usual = "0" if name == "reviews_allowed" and is_variant else usual
        text = value if isinstance(value, str) else usual
        cells[name] = without_lines(text) if name.endswith("description") else text
    for name, value in said.items():
        if name.startswith(META) or SIZES.fullmatch(name):
            cells[name] = attribute_cell(value)
    downloads = said.get("downloads")
    for place, download in enumerate(downloads if isinstance(downloads, list) else [], 1):
        if isinstance(download, dict):
            cells |= {f"download {place} {part}": str(download.get(part, "")) for part in ("id", "name", "url")}
    return cells | price_cells(product, terms) | _stock(product)


def _stock(product: Product) -> Cells:
    said, stock = product.attributes, stock_cell(product)
    status = said.get("in_stock")
    usual = "0" if stock == "0" else "1"
    if stock == "0" and said.get("manage_stock") == "false":
        return {"stock": "", "in_stock": "0"}
    oversold = said.get("oversold")
    if stock == "0" and isinstance(oversold, str):
        stock = f"-{oversold}"
    return {"stock": stock, "in_stock": status if isinstance(status, str) else usual}


def _attributes(product: Product, variants: list[Product]) -> dict[str, Any]:
    """What makes variants different comes first, with all its values; a text, a list or any other JSON value."""
    own = {
        name: value
        for name, value in product.attributes.items()
        if name not in _NATIVE and not name.startswith(META) and not SIZES.fullmatch(name)
    }
    names = dict.fromkeys(name for each in variants for name in each.options)
    chosen = {
        name: list(dict.fromkeys(str(each.options[name]) for each in variants if name in each.options))
        for name in names
    }
    return {name: own.get(name, values) for name, values in chosen.items()} | own


def _numbered(attributes: dict[str, Any], flags: Any, *, is_variant: bool) -> Cells:
    cells: Cells = {}
    for number, (name, value) in enumerate(attributes.items(), 1):
        of_name = flags.get(name, {}) if isinstance(flags, dict) else {}
        several = isinstance(value, list) and all(isinstance(each, str) for each in value)
        own = {
            "name": name,
            "value": joined(value) if several else joined([attribute_cell(value)]),
            "visible": "" if is_variant else of_name.get("visible", "1"),
            "global": of_name.get("global", "1"),
            "default": of_name.get("default", ""),
        }
        cells |= {f"attribute {number} {part}": cell for part, cell in own.items()}
    return cells


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
