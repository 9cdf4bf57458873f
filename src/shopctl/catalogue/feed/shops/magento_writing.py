"""From a product and its variants to the rows of a Magento file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shopctl.catalogue.feed.shops import magento_cells as texts
from shopctl.catalogue.feed.shops.cells import attribute_cell, stock_cell
from shopctl.catalogue.feed.shops.magento_columns import (
    HIDDEN,
    MAPPED,
    OFFER,
    ROLES,
    SHOWN,
    STANDARD,
    TYPES,
    USUAL,
    USUAL_OF_BUNDLES,
    code_of,
)
from shopctl.catalogue.feed.shops.magento_prices import EXACT, PRICED, price_cells
from shopctl.catalogue.feed.shops.magento_reading import STORE
from shopctl.catalogue.feed.shops.shop import Cells, Family, Terms
from shopctl.catalogue.model import Product

Codes = dict[str, str]
"""Attribute code by the name of the option."""

_KEPT = frozenset(
    [
        "product_type",
        "configurable_variation_labels",
        "bundle_values",
        "qty_exact",
        "oversold",
        "additional_image_labels",
        *OFFER,
    ]
    + [column + EXACT for column in PRICED]
    + [name for role in ROLES for name in (role, role + "_label")]
)
"""Attributes that say how a column was written; they go back into it."""


def rows(family: Family, terms: Terms) -> Iterator[Cells]:
    """The variants first, since Magento makes a configurable product only of what is there."""
    parent, variants = family[0], family[1:]
    codes = _codes(parent, variants)
    for variant in variants:
        chosen = {codes[name]: str(value) for name, value in variant.options.items()}
        yield from _product(variant, terms, chosen, HIDDEN)
    configurable: Cells = {}
    if variants:
        configurable["configurable_variations"] = texts.variations_text(
            {"sku": variant.sku, **{codes[name]: str(value) for name, value in variant.options.items()}}
            for variant in variants
        )
        configurable["configurable_variation_labels"] = texts.pairs_text({code: name for name, code in codes.items()})
    alone = {} if variants or parent.parent_sku else {code_of(name): str(v) for name, v in parent.options.items()}
    for row in _product(parent, terms, alone, SHOWN):
        yield row if row.get("store_view_code") else {**row, **_of_configurable(parent, configurable)}


def _of_configurable(parent: Product, cells: Cells) -> Cells:
    return {**cells, "product_type": "configurable"} if cells else {}


def _codes(parent: Product, variants: Sequence[Product]) -> Codes:
    """A code for each option: the one of the file it came from, else one made of its name; no two are the same."""
    told = parent.attributes.get("configurable_variation_labels")
    known = {label: code for code, label in texts.pairs_of_row(told).items()} if isinstance(told, str) else {}
    codes: Codes = {}
    for variant in variants:
        for name in variant.options:
            if name not in codes:
                code = plain = known.get(name) or code_of(name)
                count = 2
                while code in codes.values() or code == "sku":
                    code, count = f"{plain}_{count}", count + 1
                codes[name] = code
    return codes


def _product(product: Product, terms: Terms, chosen: Mapping[str, str], visibility: str) -> Iterator[Cells]:
    attributes = product.attributes
    cells: Cells = {
        "sku": product.sku,
        "product_type": _type(product),
        "categories": texts.categories_text([product.category, *product.categories]),
        "name": product.name,
        "description": product.description,
        "product_online": "1" if product.status == "active" else "2",
        "tax_class_name": product.tax_class,
        "visibility": visibility,
        **USUAL,
    }
    if product.kind == "bundle":
        cells |= _bundle(product, terms)
    cells |= _images(product)
    cells |= price_cells(product, terms)
    cells |= _stock(product)
    extra: dict[str, str | list[str]] = dict(chosen)
    for name, value in attributes.items():
        if name in _KEPT or name.startswith(STORE) or value is None or name in extra:
            continue
        text: str | list[str] = value if texts.is_plain_list(value) else attribute_cell(value)
        if name in STANDARD and name not in MAPPED:
            cells[name] = text if isinstance(text, str) else "|".join(text)
        elif texts.can_be_key(name) and (name not in MAPPED or name in ("brand", "manufacturer")):
            extra[name] = text
    if product.brand:
        extra["brand" if "manufacturer" in extra else "manufacturer"] = product.brand
    # A file may have a column of its own for an attribute; an export has them all in one.
    cells |= {name: text for name, text in extra.items() if isinstance(text, str) and name not in cells}
    cells["additional_attributes"] = texts.pairs_text({name: text for name, text in extra.items() if text})
    yield cells
    yield from _store_views(product, cells["attribute_set_code"], cells["product_type"])


def _type(product: Product) -> str:
    told = product.attributes.get("product_type")
    usual = TYPES[product.kind]
    if isinstance(told, str) and told and (told == "grouped") <= (product.kind == "bundle"):
        return told if told == "grouped" or product.kind in ("physical", "bundle") else usual
    return usual


def _bundle(product: Product, terms: Terms) -> Cells:
    if product.attributes.get("product_type") == "grouped":
        return {"associated_skus": ",".join(f"{part['sku']}={part['quantity']}.0000" for part in product.components)}
    told = product.attributes.get("bundle_values")
    price_type = "fixed" if any(price.currency == terms.currency for price in product.prices) else "dynamic"
    cells = {**USUAL_OF_BUNDLES, "bundle_price_type": price_type}
    if isinstance(told, str) and texts.bundled(told) == _plain_parts(product):
        return {**cells, "bundle_values": told}
    return {**cells, "bundle_values": texts.bundled_text(product.components)}


def _plain_parts(product: Product) -> list[dict[str, Any]]:
    return [{"sku": part["sku"], "quantity": part["quantity"]} for part in product.components]


def _images(product: Product) -> Cells:
    cells: Cells = {}
    first, rest = product.media[:1], product.media[1:]
    for link in first:
        cells["base_image"], cells["base_image_label"] = link["url"], link.get("alt") or ""
    cells["additional_images"] = texts.listed_text([link["url"] for link in rest])
    labels = [link.get("alt") or "" for link in rest]
    told = product.attributes.get("additional_image_labels")
    cells["additional_image_labels"] = (
        texts.listed_text(labels) if any(labels) else told if isinstance(told, str) else ""
    )
    for role in ROLES:
        for name, usual in ((role, "base_image"), (role + "_label", "base_image_label")):
            told = product.attributes.get(name)
            if isinstance(told, str) and told:
                cells[name] = told
            elif role != "swatch_image":
                cells[name] = cells.get(usual, "")
    return cells


def _stock(product: Product) -> Cells:
    count = stock_cell(product)
    if not count:
        return {}
    cells = {"qty": count, "is_in_stock": "0" if count == "0" else "1"}
    oversold = product.attributes.get("oversold")
    if isinstance(oversold, str) and oversold.isdecimal() and count == "0":
        cells["qty"] = f"-{oversold}"
    exact = product.attributes.get("qty_exact")
    if isinstance(exact, str) and texts.whole(exact) == int(count):
        cells["qty"] = exact
    return cells


def _store_views(product: Product, attribute_set: str, product_type: str) -> Iterator[Cells]:
    for name, told in sorted(product.attributes.items()):
        if name.startswith(STORE) and isinstance(told, dict):
            fixed = {"sku": product.sku, "store_view_code": name.removeprefix(STORE)}
            usual = {"attribute_set_code": attribute_set, "product_type": product_type}
            cells = {key: cell for key, cell in told.items() if isinstance(cell, str)}
            own = {key: cell for key, cell in cells.items() if key not in STANDARD and texts.can_be_key(key)}
            if own:
                pairs = texts.pairs(cells.get("additional_attributes", ""))
                cells["additional_attributes"] = texts.pairs_text({**pairs, **own})
            yield {**cells, **usual, **fixed}
