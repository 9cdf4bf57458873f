"""The columns of Shopify's product files under the names of all its releases, and the header an export has."""

from __future__ import annotations

import re
from collections.abc import Iterable

from shopctl.catalogue.feed.columns import attribute_key, squeeze

_COLUMNS = """
handle              Handle | URL handle
title               Title
body                Body (HTML) | Description
vendor              Vendor
product_category    Product Category | Standardized Product Type | Standard Product Type
type                Type | Custom Product Type
tags                Tags
published           Published | Published on online store
sku                 Variant SKU | SKU
grams               Variant Grams | Weight value (grams)
inventory_tracker   Variant Inventory Tracker | Inventory tracker
inventory_quantity  Variant Inventory Qty | Inventory quantity
inventory_policy    Variant Inventory Policy | Continue selling when out of stock
fulfillment_service Variant Fulfillment Service | Fulfillment service
price               Variant Price | Price
compare_at          Variant Compare At Price | Compare-at price
requires_shipping   Variant Requires Shipping | Requires shipping
taxable             Variant Taxable | Charge tax
unit_price_total_measure        Unit Price Total Measure
unit_price_total_measure_unit   Unit Price Total Measure Unit
unit_price_base_measure         Unit Price Base Measure
unit_price_base_measure_unit    Unit Price Base Measure Unit
barcode             Variant Barcode | Barcode
image               Image Src | Product image URL | Image source
image_position      Image Position
image_alt           Image Alt Text
gift_card           Gift Card
seo_title           SEO Title
seo_description     SEO Description
google_shopping_google_product_category Google Shopping / Google Product Category
google_shopping_gender          Google Shopping / Gender
google_shopping_age_group       Google Shopping / Age Group
google_shopping_mpn             Google Shopping / MPN | Google Shopping / Manufacturer part number (MPN)
google_shopping_adwords_grouping Google Shopping / AdWords Grouping | Google Shopping / Ad group name
google_shopping_adwords_labels  Google Shopping / AdWords Labels | Google Shopping / Ads labels
google_shopping_condition       Google Shopping / Condition
google_shopping_custom_product  Google Shopping / Custom Product
google_shopping_custom_label_0  Google Shopping / Custom Label 0
google_shopping_custom_label_1  Google Shopping / Custom Label 1
google_shopping_custom_label_2  Google Shopping / Custom Label 2
google_shopping_custom_label_3  Google Shopping / Custom Label 3
google_shopping_custom_label_4  Google Shopping / Custom Label 4
variant_image       Variant Image | Variant image URL
weight_unit         Variant Weight Unit | Weight unit for display
tax_code            Variant Tax Code | Tax code
cost_per_item       Cost per item
status              Status
"""

_HEADERS: dict[str, list[str]] = {
    line.split(None, 1)[0]: [name.strip() for name in line.split(None, 1)[1].split("|")]
    for line in _COLUMNS.strip().splitlines()
}
_OPTION = re.compile(r"option([123])(name|value|linkedto)")
_MEANS = {squeeze(name): column for column, names in _HEADERS.items() for name in names}
_METAFIELD = re.compile(r".*?\(product\.metafields\.([^.]+)\.(.+)\)", re.DOTALL)
_MARKET = re.compile(r"(Included|Price|Compare[ -]At Price) / (.+)", re.IGNORECASE)

# What an export of Shopify always has; the others are there where they say something.
_ALWAYS = ("handle title body vendor product_category type tags published "
           "option1_name option1_value option1_linkedto option2_name option2_value option2_linkedto "
           "option3_name option3_value option3_linkedto sku grams inventory_tracker inventory_quantity "
           "inventory_policy fulfillment_service price compare_at requires_shipping taxable barcode image "
           "image_position image_alt gift_card seo_title seo_description variant_image weight_unit tax_code "
           "cost_per_item status").split()  # fmt: skip
GOOGLE = tuple(column for column in _HEADERS if column.startswith("google_"))
UNIT_PRICE = tuple(column for column in _HEADERS if column.startswith("unit_price_"))
_METAFIELDS = "metafield "


def column(header: str) -> str:
    """The one name of a column, whichever release wrote it.

    Metafields are `metafield KEY`, what a market says is `Price / MARKET`, an unknown column keeps its header.
    """
    squeezed = squeeze(header)
    if found := _MEANS.get(squeezed):
        return found
    if match := _OPTION.fullmatch(squeezed):
        return f"option{match[1]}_{match[2]}"
    if match := _METAFIELD.fullmatch(header):
        return _METAFIELDS + (match[2] if match[1] == "custom" else f"{match[1]}.{match[2]}")
    if match := _MARKET.fullmatch(header):
        return f"{match[1].capitalize().replace('-', ' ')} / {match[2].strip()}"
    return header


def attribute_of(name: str) -> str:
    """The attribute that a column without a meaning of its own becomes."""
    if name.startswith(_METAFIELDS):
        return name.removeprefix(_METAFIELDS)
    return name if name in _HEADERS or name.startswith("Included / ") else attribute_key(name)


def column_of(attribute: str) -> str:
    """The column in which an export writes an attribute of a product."""
    if attribute in GOOGLE or attribute.startswith("Included / "):
        return attribute
    return _METAFIELDS + attribute


def header(columns: Iterable[str]) -> list[tuple[str, str]]:
    """See shop.Shop.header."""
    there = {*columns, *_ALWAYS}
    order = [*_ALWAYS]
    order[order.index("barcode") : order.index("barcode")] = [name for name in UNIT_PRICE if name in there]
    place = order.index("variant_image")
    metafields = sorted(name for name in there if name.startswith(_METAFIELDS))
    order[place:place] = [name for name in GOOGLE if name in there] + metafields
    markets = sorted((name for name in there if " / " in name and not name.startswith(_METAFIELDS)), key=_by_market)
    order[-1:-1] = markets
    return [(name, _header_of(name)) for name in order]


def _by_market(name: str) -> tuple[str, int]:
    what, _, market = name.partition(" / ")
    return market, ("Included", "Price", "Compare at price").index(what)


def _header_of(name: str) -> str:
    if name in _HEADERS:
        return _HEADERS[name][0]
    if name.startswith("option"):
        part = {"name": "Name", "value": "Value", "linkedto": "Linked To"}[name.partition("_")[2]]
        return f"Option{name[6]} {part}"
    if name.startswith(_METAFIELDS):
        attribute = name.removeprefix(_METAFIELDS)
        space, _, key = attribute.partition(".")
        path = attribute if key and space else f"custom.{attribute}"
        return f"{key or attribute} (product.metafields.{path})"
    return name.replace("Compare at price", "Compare At Price")
