"""The columns of WooCommerce's product CSV, and how its cells write lists, line ends and formulas."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from shopctl.catalogue.feed.columns import attribute_key, squeeze

_COLUMNS = {
    "id": "ID", "type": "Type", "sku": "SKU", "gtin": "GTIN, UPC, EAN, or ISBN", "name": "Name",
    "published": "Published", "featured": "Is featured?", "catalog_visibility": "Visibility in catalog",
    "short_description": "Short description", "description": "Description",
    "sale_from": "Date sale price starts", "sale_until": "Date sale price ends", "tax_status": "Tax status",
    "tax_class": "Tax class", "in_stock": "In stock?", "stock": "Stock", "low_stock_amount": "Low stock amount",
    "backorders": "Backorders allowed?", "sold_individually": "Sold individually?",
    "reviews_allowed": "Allow customer reviews?", "purchase_note": "Purchase note", "sale_price": "Sale price",
    "regular_price": "Regular price", "categories": "Categories", "tags": "Tags", "shipping_class": "Shipping class",
    "images": "Images", "download_limit": "Download limit", "download_expiry_days": "Download expiry days",
    "parent": "Parent", "grouped_products": "Grouped products", "upsells": "Upsells", "cross_sells": "Cross-sells",
    "external_url": "External URL", "button_text": "Button text", "position": "Position", "brands": "Brands",
    "cost_of_goods": "Cost of goods",
}  # fmt: skip
_ALWAYS = [name for name in _COLUMNS if name not in ("cost_of_goods", "brands")]
_MEANS = {squeeze(header): name for name, header in _COLUMNS.items()} | {
    "visibility": "catalog_visibility", "parentid": "parent", "brand": "brands", "dateonsalefrom": "sale_from",
    "dateonsaleto": "sale_until", "instock": "in_stock", "lowstockamount": "low_stock_amount",
}  # fmt: skip
SIZES = re.compile(r"(weight|length|width|height)_(kg|g|lbs|oz|m|cm|mm|in|yd)")
_NUMBERED = re.compile(r"(attribute|download) (\d+) (name|value\(s\)|visible|global|default|id|url)", re.IGNORECASE)
_AFTER = "sold_individually"  # where weight and size stand
META = "meta:"
_COMMA = re.compile(r"(?<!\\),")
_ESCAPED = re.compile(r"'[=+\-@\t\r]")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[-+]?[0-9][0-9.,]*")


def column(header: str) -> str:
    """The one name of a column; `attribute 1 name`, `meta:KEY`, `weight_kg`, and an unknown one as it is."""
    if found := _MEANS.get(squeeze(header)):
        return found
    if header[:5].casefold() == META:
        return META + header[5:].strip()
    if match := _NUMBERED.fullmatch(header.strip()):
        return f"{match[1].lower()} {int(match[2])} {match[3].lower().removesuffix('(s)')}"
    key = attribute_key(header)
    return key if SIZES.fullmatch(key) else header


def header(columns: Iterable[str]) -> list[tuple[str, str]]:
    """See shop.Shop.header."""
    there = {*columns, *_ALWAYS}
    order = [name for name in _COLUMNS if name in there]
    place = order.index(_AFTER) + 1
    parts = ("weight", "length", "width", "height")
    order[place:place] = sorted(
        filter(SIZES.fullmatch, there), key=lambda name: (parts.index(name.split("_")[0]), name)
    )
    numbered = [name for name in there if name.startswith(("attribute ", "download ")) and name.split()[1].isdecimal()]
    order += sorted(numbered, key=_by_number)
    order += sorted(name for name in there if name.startswith(META))
    return [(name, _header_of(name)) for name in order]


def _by_number(name: str) -> tuple[str, int, int]:
    what, number, part = name.split()
    return what, int(number), ("id", "name", "url", "value", "visible", "global", "default").index(part)


def _header_of(name: str) -> str:
    if name in _COLUMNS:
        return _COLUMNS[name]
    if match := SIZES.fullmatch(name):
        return f"{match[1].capitalize()} ({match[2]})"
    if name.startswith(META):
        return f"Meta: {name.removeprefix(META)}"
    what, number, part = name.split()
    return f"{what.capitalize()} {number} {({'value': 'value(s)', 'url': 'URL', 'id': 'ID'}).get(part, part)}"


def column_names() -> frozenset[str]:
    """The names of all columns that are not numbered, sizes or meta."""
    return frozenset(_COLUMNS)


def unescaped(cell: str) -> str:
    """A cell without the apostrophe before what a spreadsheet would run as a formula."""
    return cell[1:] if _ESCAPED.match(cell) else cell


def escaped(cell: str) -> str:
    """The same cell with it."""
    return "'" + cell if cell.startswith(_FORMULA) and not _NUMBER.fullmatch(cell) else cell


def several(cell: str) -> list[str]:
    """The values of a cell, separated by commas; a comma within one has a backslash before it."""
    if "&" in cell:
        cell = html.unescape(cell)
    return [value for part in _COMMA.split(cell) if (value := part.replace("\\,", ",").strip())]


def joined(values: Iterable[str]) -> str:
    """Values as such a cell."""
    return ", ".join(value.replace(",", "\\,") for value in values)


def with_lines(cell: str) -> str:
    """A description in which `\\n` stands for a line end, and `\\\\n` for a backslash and an n."""
    return "\\n".join(part.replace("\\n", "\n") for part in cell.split("\\\\n"))


def without_lines(text: str) -> str:
    """The way back."""
    return text.replace("\\n", "\\\\n").replace("\n", "\\n")
