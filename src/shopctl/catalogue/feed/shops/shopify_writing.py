"""Products as the rows of Shopify's product CSV; `shopify` reads them back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shopctl.catalogue.feed.shops import shopify_columns
from shopctl.catalogue.feed.shops.cells import COMPARE_AT, address, amount, attribute_cell, stock_cell
from shopctl.catalogue.feed.shops.shop import Cells, Family, Terms
from shopctl.catalogue.model import Product

_STATUS = {"active": "active", "draft": "draft", "retired": "archived"}
_OWN_COLUMNS = frozenset(
    ("barcode cost_per_item inventory_policy inventory_tracker fulfillment_service grams weight_unit taxable gift_card "
     "handle oversold shared_sku published product_type seo_title seo_description "
     "option1_linkedto option2_linkedto option3_linkedto").split()
) | frozenset(shopify_columns.UNIT_PRICE)  # fmt: skip
# Shopify takes only the names of its own taxonomy for a product category (2025-09, the first level); any other path is
# a type.
_TAXONOMY = frozenset(
    ("Animals & Pet Supplies|Apparel & Accessories|Arts & Entertainment|Baby & Toddler|Bundles|Business & Industrial|"
     "Cameras & Optics|Electronics|Food, Beverages & Tobacco|Furniture|Gift Cards|Hardware|Health & Beauty|"
     "Home & Garden|Luggage & Bags|Mature|Media|Office Supplies|Product Add-Ons|Religious & Ceremonial|Services|"
     "Software|Sporting Goods|Toys & Games|Uncategorized|Vehicles & Parts").split("|")
)  # fmt: skip
_MOST_OPTIONS = 3


def written(family: Family, terms: Terms) -> list[Cells]:
    """The rows of a product with its variants: the product's cells in the first, an image in each."""
    product = family[0]
    variants = family[1:] or [product]
    names = _option_names(family[1:])
    handle = _text(product.attributes.get("handle")) or address(product.sku)
    rows = [_variant(each, names if family[1:] else [], terms) for each in variants]
    if not family[1:]:
        rows[0] |= {"option1_name": "Title", "option1_value": "Default Title"}
    rows[0] |= _product(product)
    if family[1:] and product.sku != _parent_sku(handle, family[1:]):
        rows[0]["metafield shopctl.sku"] = product.sku
    for number, name in enumerate(names, 1):
        rows[0][f"option{number}_name"] = name
    for number, image in enumerate(product.media, 1):
        if number > len(rows):
            rows.append({})
        rows[number - 1] |= {"image": image["url"], "image_position": str(number), "image_alt": image.get("alt") or ""}
    return [{"handle": handle, **row} for row in rows]


def _parent_sku(handle: str, variants: Sequence[Product]) -> str:
    return f"{handle}-product" if any(each.sku == handle for each in variants) else handle


def _option_names(variants: Sequence[Product]) -> list[str]:
    """In the order of their first appearance; what tells variants apart must have a value in each."""
    names = list(dict.fromkeys(name for each in variants for name in each.options))[:_MOST_OPTIONS]
    if variants and not all(any(each.options.get(name) for name in names) for each in variants):
        return ["Variant"]
    return names


def _product(product: Product) -> Cells:
    attributes = product.attributes
    cells = {
        "title": product.name,
        "body": product.description,
        "vendor": product.brand,
        "tags": ", ".join(product.tags),
        "status": _STATUS[product.status],
        "published": "true" if product.status == "active" else "false",
        "gift_card": _text(attributes.get("gift_card")) or "false",
        "seo_title": _text(attributes.get("seo_title")),
        "seo_description": _text(attributes.get("seo_description")),
    }
    published = attributes.get("published")
    if product.status == "draft" and published in ("false", "unlisted"):
        cells["status"] = "active" if published == "false" else "unlisted"
    kind = _text(attributes.get("product_type"))
    taxonomy = kind or product.category.partition(" > ")[0] in _TAXONOMY
    cells |= {"product_category": product.category, "type": kind} if taxonomy else {"type": product.category}
    for number in ("1", "2", "3"):
        cells[f"option{number}_linkedto"] = _text(attributes.get(f"option{number}_linkedto"))
    for name, value in attributes.items():
        if name not in _OWN_COLUMNS:
            cells[shopify_columns.column_of(name)] = attribute_cell(value)
    return cells


def _variant(product: Product, names: Sequence[str], terms: Terms) -> Cells:
    attributes = product.attributes
    stock = stock_cell(product)
    oversold = _text(attributes.get("oversold"))
    cells = {
        "sku": _text(attributes.get("shared_sku")) or product.sku,
        "grams": _text(attributes.get("grams")) or "0",
        "weight_unit": _text(attributes.get("weight_unit")),
        "inventory_tracker": (_text(attributes.get("inventory_tracker")) or "shopify") if stock else "",
        "inventory_quantity": f"-{oversold}" if oversold and stock == "0" else stock,
        "inventory_policy": _text(attributes.get("inventory_policy")) or "deny",
        "fulfillment_service": _text(attributes.get("fulfillment_service")) or "manual",
        "price": amount(product, terms),
        "compare_at": amount(product, terms, COMPARE_AT),
        "requires_shipping": "true" if product.kind == "physical" else "false",
        "taxable": _text(attributes.get("taxable")) or "true",
        "barcode": _text(attributes.get("barcode")),
        "cost_per_item": _text(attributes.get("cost_per_item")),
        "tax_code": product.tax_class,
    }
    for name in shopify_columns.UNIT_PRICE:
        cells[name] = _text(attributes.get(name))
    if product.parent_sku and product.media:
        cells["variant_image"] = product.media[0]["url"]
    for number, name in enumerate(names, 1):
        cells[f"option{number}_value"] = product.sku if name == "Variant" else _text(product.options.get(name))
    for price_list in dict.fromkeys(each.list for each in product.prices):
        if price_list not in ("default", COMPARE_AT) and not price_list.endswith(f" {COMPARE_AT}"):
            cells[f"Price / {price_list}"] = amount(product, terms, price_list)
            cells[f"Compare at price / {price_list}"] = amount(product, terms, f"{price_list} {COMPARE_AT}")
    return cells


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
