"""The columns of Medusa's product files, of its first and its second release, and the header an export has."""

from __future__ import annotations

import re
from collections.abc import Iterable

from shopctl.catalogue.feed.columns import attribute_key
from shopctl.kernel.money import EXPONENTS

_PRODUCT = tuple(
    """id handle title subtitle description status thumbnail weight length width height hs_code origin_country mid_code
    material collection_id collection_title collection_handle type_id type discountable is_giftcard external_id
    profile_name profile_type created_at updated_at deleted_at""".split()
)
_VARIANT = tuple(
    """id title sku barcode ean upc allow_backorder manage_inventory weight length width height hs_code origin_country
    mid_code material variant_rank product_id created_at updated_at deleted_at""".split()
)
_ALWAYS = frozenset(
    """product_id product_handle product_title product_description product_status product_thumbnail product_discountable
    variant_id variant_title variant_sku variant_allow_backorder variant_manage_inventory""".split()
)
KNOWN = frozenset([f"product_{name}" for name in _PRODUCT] + [f"variant_{name}" for name in _VARIANT])
"""Columns whose name says whether they are of the product or of the variant."""

METADATA = ("product_metadata", "variant_metadata")
QUANTITY = "variant_inventory_quantity"  # of the first release

_PRICE = re.compile(
    r"(?:variant )?price (?:(?P<region>.+?) *\[(?P<code>[a-z]{3})\]|(?P<plain>[a-z]{3}))", re.IGNORECASE
)
_OPTION = re.compile(r"(?:variant )?option (\d+) (name|value)")
_IMAGE = re.compile(r"(?:product )?image (\d+)(?: url)?")
_MANY = re.compile(r"product (tag|category|sales channel) (\d+)")
_NUMBERED = re.compile(r"(option|image|tag|category|sales_channel)_(\d+)(?:_(name|value))?")


def column(header: str) -> str:
    """The one name of a column: `Variant Sku` is `variant_sku`, `Variant Price Europe [EUR]` is `price EUR Europe`."""
    name = " ".join(header.split())
    if (price := _PRICE.fullmatch(name)) and (code := (price["code"] or price["plain"]).upper()) in EXPONENTS:
        return f"price {code} {price['region'] or ''}".strip()
    name = name.lower()
    if option := _OPTION.fullmatch(name):
        return f"option_{int(option[1])}_{option[2]}"
    if image := _IMAGE.fullmatch(name):
        return f"image_{int(image[1])}"
    if many := _MANY.fullmatch(name):
        return f"{many[1].replace(' ', '_')}_{int(many[2])}"
    return attribute_key(name)


def recognised(columns: frozenset[str]) -> bool:
    """Whether only Medusa has a header with these columns."""
    return {"product_handle", "product_title"} <= columns and any(name.startswith("variant_") for name in columns)


def numbered(columns: Iterable[str], what: str, part: str = "") -> list[str]:
    """The columns `option_1_name`, `option_2_name` … there are, in the order of their numbers."""
    found = (match for match in map(_NUMBERED.fullmatch, columns) if match)
    mine = {int(match[2]): match[0] for match in found if match[1] == what and (match[3] or "") == part}
    return [mine[number] for number in sorted(mine)]


def prices(columns: Iterable[str]) -> list[tuple[str, str, str]]:
    """(column, currency, region) of the prices; no region: wherever nothing else is said."""
    split = ((name, name.split(" ", 2)) for name in columns if name.startswith("price "))
    return sorted((name, parts[1], parts[2] if len(parts) > 2 else "") for name, parts in split)


def header(columns: Iterable[str]) -> list[tuple[str, str]]:
    """See shop.Shop.header. Medusa refuses a file with a column that it does not know."""
    there = {*columns, *_ALWAYS}
    order = [name for name in (f"product_{each}" for each in _PRODUCT) if name in there]
    for what in ("category", "image", "tag", "sales_channel"):
        order += numbered(there, what)
    order += [name for name in ("product_metadata",) if name in there]
    order += [name for name in (f"variant_{each}" for each in _VARIANT) if name in there]
    order += [name for name in ("variant_metadata",) if name in there]
    for name in numbered(there, "option", "name"):
        order += [name, name.removesuffix("name") + "value"]
    order += [name for name, _, _ in prices(there)]
    return [(name, _header_of(name)) for name in order]


def _header_of(name: str) -> str:
    if name.startswith("price "):
        _, code, *region = name.split(" ", 2)
        return f"Variant Price {region[0]} [{code}]" if region else f"Variant Price {code}"
    if match := _NUMBERED.fullmatch(name):
        words = f"{'Variant' if match[1] == 'option' else 'Product'} {match[1]} {match[2]} {match[3] or ''}"
        return words.replace("_", " ").strip().title()
    return name.replace("_", " ").title()
