"""The columns of Saleor's product export under the names of all its releases, and the header an export here has.

They are those of `saleor/csv/utils`: fixed ones, then `SLUG (product attribute)`, `SLUG (variant attribute)`,
`SLUG (warehouse quantity)` and for each channel `SLUG (channel …)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

FIXED = (
    "id", "name", "description", "category", "category path", "product type", "is shipping required", "tax class",
    "charge taxes", "product weight", "variant id", "variant sku", "variant weight", "variant is preorder",
    "variant preorder global threshold", "variant preorder end date", "collections", "product media", "variant media",
)  # fmt: skip
"""In the order of Saleor. `category path`, `is shipping required` and `tax class` are not Saleor's: they tell what its
export leaves out, and stand only where they say something."""

_ALWAYS = ("id", "name", "description", "category", "product type", "variant sku", "collections", "product media")
_OLDER = {
    "description_as_str": "description", "product images": "product media", "variant images": "variant media",
    "sku": "variant sku", "images": "product media",
}  # fmt: skip
CHANNEL = (
    "product currency code", "published", "published at", "searchable", "available for purchase", "price amount",
    "prior price amount", "variant currency code", "variant cost price", "variant discounted price",
    "variant preorder quantity threshold",
)  # fmt: skip
_CHANNEL_OLDER = {
    "currency code": "product currency code", "visible": "published", "is published": "published",
    "publication date": "published at", "visible in listings": "searchable",
    "available for purchase at": "available for purchase", "cost price": "variant cost price",
    "preorder quantity threshold": "variant preorder quantity threshold",
}  # fmt: skip
_PARENTHESIS = re.compile(r"(?P<slug>.+?)\s*\((?P<what>[^()]+)\)")
_PLACES = ("product attribute", "variant attribute", "warehouse quantity")


def column(header: str) -> str:
    """The one name of a column, whichever release wrote it; an unknown column keeps its header."""
    header = header.strip()
    folded = header.casefold()
    folded = _OLDER.get(folded, folded)
    if folded in FIXED:
        return folded
    if not (match := _PARENTHESIS.fullmatch(header)):
        return header
    slug, what = match["slug"], " ".join(match["what"].casefold().replace("_", " ").split())
    if what in _PLACES:
        return f"{slug} ({what})"
    what = what.removeprefix("channel ")
    what = _CHANNEL_OLDER.get(what, what)
    return f"{slug} (channel {what})" if what in CHANNEL else header


def split(name: str) -> tuple[str, str]:
    """`size (variant attribute)` as ("size", "variant attribute"), `eu (channel published)` likewise; else ("", "")."""
    match = _PARENTHESIS.fullmatch(name)
    if match and (match["what"] in _PLACES or match["what"].removeprefix("channel ") in CHANNEL):
        return match["slug"], match["what"]
    return "", ""


def header(columns: Iterable[str]) -> list[tuple[str, str]]:
    """See shop.Shop.header."""
    there = {*columns, *_ALWAYS}
    order = [name for name in FIXED if name in there]
    for place in _PLACES:
        order += sorted(name for name in there if split(name)[1] == place)
    slugs = sorted({slug for slug, what in map(split, there) if what.startswith("channel ")})
    order += [name for slug in slugs for what in CHANNEL if (name := f"{slug} (channel {what})") in there]
    return [(name, name) for name in [*order, *sorted(there.difference(order))]]
