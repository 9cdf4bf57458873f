"""Products as the rows of Medusa's product CSV; `medusa` reads them back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from shopctl.catalogue.feed.row import DEFAULT_LIST
from shopctl.catalogue.feed.shops import medusa_columns as columns
from shopctl.catalogue.feed.shops.cells import address, attribute_cell
from shopctl.catalogue.feed.shops.shop import Cells, Family, Terms
from shopctl.catalogue.model import Product
from shopctl.kernel import money

STATUSES = {"active": "published", "draft": "draft", "retired": "rejected"}
_NOT_METADATA = frozenset({"handle", "product_thumbnail", "product_status"})


def written(family: Family, _terms: Terms) -> list[Cells]:
    """A row for each variant with all that its product says; a product without variants has the default one."""
    product, variants = family[0], family[1:]
    shared = _product(product, variants)
    if not variants:
        choice = {"option_1_name": "Default option", "option_1_value": "Default option value"}
        title = {} if product.attributes.get("variant_title") else {"variant_title": "Default variant"}
        return [{**shared, **_variant(product), **choice, **title}]
    names = list(dict.fromkeys(name for variant in variants for name in variant.options))
    rows = []
    for variant in variants:
        row = {**shared, **_variant(variant)}
        row.setdefault("variant_title", " / ".join(str(value) for value in variant.options.values()) or variant.sku)
        for number, name in enumerate(names or ["Variant"], 1):
            row[f"option_{number}_name"] = name
            row[f"option_{number}_value"] = str(variant.options.get(name, "")) if names else variant.sku
        rows.append(row)
    return rows


def _product(product: Product, variants: Sequence[Product]) -> Cells:
    attributes = product.attributes
    handle = attributes.get("handle")
    handle = handle if isinstance(handle, str) and handle else address(product.sku)
    status = attributes.get("product_status")
    thumbnail = attributes.get("product_thumbnail")
    cells: Cells = {
        "product_handle": handle,
        "product_title": product.name,
        "product_description": product.description,
        "product_status": status if product.status == "draft" and status == "proposed" else STATUSES[product.status],
        "product_thumbnail": thumbnail if isinstance(thumbnail, str) else (product.media or [{"url": ""}])[0]["url"],
        "product_discountable": "true",
    }
    cells |= {f"image_{number}": link["url"] for number, link in enumerate(product.media, 1)}
    cells |= {f"tag_{number}": tag for number, tag in enumerate(product.tags, 1)}
    places = {name: cell for name, cell in attributes.items() if name.startswith("product_category_")}
    taken = {name.removeprefix("product_") for name, cell in places.items() if isinstance(cell, str)}
    names = iter([path for path in [product.category, *product.categories] if path])
    cells |= {name: str(attributes[f"product_{name}"]) for name in taken}
    number = 0
    for path in names:
        number += 1
        while f"category_{number}" in taken:
            number += 1
        cells[f"category_{number}"] = path
    ordinary = f"{handle}-product" if any(variant.sku == handle for variant in variants) else handle
    more = {"sku": product.sku} if variants and product.sku != ordinary else {}
    cells |= _attributes(product, "product_", {*places, *_NOT_METADATA}, more)
    if variants:
        return cells
    return {name: cell for name, cell in cells.items() if not name.startswith("variant_")}


def _variant(product: Product) -> Cells:
    cells: Cells = {
        "variant_sku": "" if product.attributes.get("variant_id") == product.sku else product.sku,
        "variant_allow_backorder": "false",
        "variant_manage_inventory": "true" if product.kind == "physical" else "false",
    }
    if product.parent_sku:
        cells |= _attributes(product, "variant_", _NOT_METADATA, {})
    else:
        cells |= {
            name: attribute_cell(value)
            for name, value in product.attributes.items()
            if name.startswith("variant_") and name in columns.KNOWN
        }
    for price in product.prices:
        if price.min_quantity == 1 and not price.valid_from and price.valid_until is None:
            region = "" if price.list == DEFAULT_LIST else price.list
            cells[f"price {price.currency} {region}".strip()] = money.show(price.amount, price.currency)
    return cells


def _attributes(product: Product, prefix: str, without: set[str] | frozenset[str], more: dict[str, Any]) -> Cells:
    """The columns an attribute came from; all others together as metadata, which may be of any shape."""
    cells: Cells = {}
    for name, value in sorted(product.attributes.items()):
        if name in without or not product.parent_sku and name.startswith("variant_") and name in columns.KNOWN:
            continue
        own = name == prefix + "metadata" or name in columns.KNOWN and name.startswith(prefix)
        if own and isinstance(value, str):
            cells[name] = value
        else:
            more = {**more, name: value}
            # A file may have a column of its own for it; an export has them all in one.
            cells.setdefault(name, attribute_cell(value))
    if more and prefix + "metadata" not in cells:
        cells[prefix + "metadata"] = json.dumps(more, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return cells
