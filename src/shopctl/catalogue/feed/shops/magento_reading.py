"""From the rows of one product in a Magento file to its fields and attributes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from shopctl.catalogue.feed.row import DEFAULT_LOCATION
from shopctl.catalogue.feed.shops import magento_cells as texts
from shopctl.catalogue.feed.shops.cells import attribute
from shopctl.catalogue.feed.shops.magento_columns import (
    GROUPED,
    HIDDEN,
    KINDS,
    LINKED,
    MAPPED,
    ROLES,
    SHOWN,
    USUAL,
    USUAL_OF_BUNDLES,
    code_of,
)
from shopctl.catalogue.feed.shops.magento_prices import PRICED, prices
from shopctl.catalogue.feed.shops.shop import Cells, Record, Terms
from shopctl.catalogue.feed.validate import Bad

EMPTY = "__EMPTY__VALUE__"  # how Magento's importer is told to clear a value
OWN_STORES = ("", "default", "admin")  # rows of these say what holds everywhere, when no other row does
STORE = "store_view_"

Choice = tuple[str, str, str]
"""Attribute code, option name and value: ("size", "Size", "XS")."""
Link = tuple[str, tuple[Choice, ...]]
"""The configurable product a variant belongs to, and what makes it that variant."""


def links(cells: Cells) -> Iterator[tuple[str, Link]]:
    """The variants a configurable product names, each with its link."""
    if cells.get("configurable_variations"):
        labels = texts.pairs_of_row(cells.get("configurable_variation_labels", ""))
        for row in texts.variations(cells["configurable_variations"]):
            choices = ((code, labels.get(code) or code, value) for code, value in row.items() if code != "sku")
            yield row["sku"], (cells["sku"].strip(), tuple(choice for choice in choices if choice[2]))


_VISIBILITY = {"1": "Not Visible Individually", "2": "Catalog", "3": "Search", "4": "Catalog, Search"}


def joined(rows: Sequence[Cells]) -> Cells:
    """A product of Magento 1, whose further rows only add values, as one row."""
    first = dict(rows[0])
    if any(cells.get("_root_category") for cells in rows):
        for cells in rows:
            if cells.get("categories"):
                path = "/".join(
                    filter(None, (cells.get("_root_category", ""), cells["categories"].replace(",", "\\,")))
                )
                cells["categories"] = path
    for name in first.keys() - {"sku", "_root_category", *LINKED, *GROUPED}:
        first[name] = ",".join(dict.fromkeys(cells[name] for cells in rows if cells.get(name)))
    first["visibility"] = _VISIBILITY.get(first.get("visibility", ""), first.get("visibility", ""))
    children: dict[str, dict[str, str]] = {}
    for cells in rows:
        sku, code, value = (cells.get(name, "").strip() for name in LINKED)
        if sku:
            child = children.setdefault(sku, {"sku": sku})
            if code:
                child[code] = value
    if children:
        first["configurable_variations"] = texts.variations_text(children.values())
    parts = [[cells.get(name, "") for name in GROUPED] for cells in rows if cells.get(GROUPED[0])]
    if parts:
        first["associated_skus"] = ",".join(f"{sku}={quantity or 1}" for sku, quantity in parts)
    return first


def record(cells: Cells, stores: Iterable[Cells], link: Link | None, terms: Terms) -> Record:
    """A product by its row, the rows of its store views, and the product it is a variant of. Raises Bad."""
    extra = _additional(cells)
    attributes: dict[str, Any] = {
        name or "unnamed": attribute(cell, name)
        for name, cell in cells.items()
        if name not in MAPPED and cell not in ("", EMPTY)
    }
    attributes |= {name: attribute(value, name) if isinstance(value, str) else value for name, value in extra.items()}
    given: dict[str, Any] = {}
    for column, field in (("name", "name"), ("description", "description"), ("tax_class_name", "tax_class")):
        if column in cells:
            given[field] = _plain(cells[column])
    if "categories" in cells:
        paths = texts.categories(_plain(cells["categories"]))
        given["category"], given["categories"] = (paths or [""])[0], paths[1:]
    if "product_online" in cells:
        given["status"] = _status(cells["product_online"])
    if link is not None:
        given["parent_sku"], given["options"] = link[0], {name: value for _, name, value in link[1]}
        for code, _, value in link[1]:
            if attributes.get(code) == value:
                del attributes[code]
    _brand(cells, extra, given, attributes)
    _type(cells, given, attributes)
    _images(cells, given, attributes)
    if PRICED & cells.keys():
        given["prices"], kept = prices({name: _plain(cell) for name, cell in cells.items()}, terms)
        attributes |= kept
    _stock(cells, given, attributes)
    attributes |= views_only(stores).attributes
    usual = {**USUAL, "visibility": SHOWN if link is None else HIDDEN}
    if given.get("kind") == "bundle":
        usual |= USUAL_OF_BUNDLES | {"bundle_price_type": "fixed" if given.get("prices") else "dynamic"}
    return Record(
        given, {name: value for name, value in attributes.items() if value not in ("", None, usual.get(name))}
    )


def views_only(stores: Iterable[Cells]) -> Record:
    """What store views say otherwise, an attribute each: `store_view_de` is {"name": "Becher"}."""
    told = {
        STORE + store["store_view_code"].strip(): {
            name: cell for name, cell in store.items() if cell and name not in _OF_EVERY_STORE
        }
        for store in stores
    }
    return Record({}, {name: cells for name, cells in told.items() if cells})


_OF_EVERY_STORE = ("sku", "store_view_code", "attribute_set_code", "product_type")


def _plain(cell: str) -> str:
    return "" if cell == EMPTY else cell


def _additional(cells: Cells) -> dict[str, str | list[str]]:
    """The additional attributes, but those without a value and those that have a column."""
    found = texts.pairs(cells.get("additional_attributes", ""))
    return {name: value for name, value in found.items() if value not in ("", EMPTY) and name not in _FIELDS}


_FIELDS = MAPPED - {"brand", "manufacturer"}


def _status(cell: str) -> str:
    """1 is enabled and 2 disabled; an export may have the words."""
    word = cell.strip().casefold()
    return "draft" if word in ("2", "0", "no", "disabled", "false") else "active"


def _brand(cells: Cells, extra: dict[str, Any], given: dict[str, Any], attributes: dict[str, Any]) -> None:
    """The manufacturer, unless there is a brand as well: then that is one, and the manufacturer an attribute."""
    found = {
        name: extra.get(name) or _plain(cells.get(name, ""))
        for name in ("brand", "manufacturer")
        if name in extra or name in cells
    }
    for name in found:
        attributes.pop(name, None)
    named = [name for name, value in found.items() if value and isinstance(value, str)]
    if found:
        given["brand"] = found[named[0]] if named else ""
    attributes |= {name: value for name, value in found.items() if value and name not in named[:1]}


def _type(cells: Cells, given: dict[str, Any], attributes: dict[str, Any]) -> None:
    if "product_type" not in cells:
        return
    name = cells["product_type"].strip().lower()
    given["kind"] = KINDS.get(name, "physical")
    plain = name in ("", "simple", "virtual", "downloadable", "bundle")
    if not plain and not (name == "configurable" and cells.get("configurable_variations")):
        attributes["product_type"] = name
    if name == "grouped" and "associated_skus" in cells:
        given["components"] = texts.associated(cells["associated_skus"])
    elif name == "bundle" and "bundle_values" in cells:
        given["components"] = texts.bundled(cells["bundle_values"])
        if cells["bundle_values"] != texts.bundled_text(given["components"]):
            attributes["bundle_values"] = cells["bundle_values"]
    elif name not in ("grouped", "bundle") and cells.keys() & {"associated_skus", "bundle_values"}:
        given["components"] = []
    labels = texts.pairs_of_row(cells.get("configurable_variation_labels", ""))
    if any(code_of(label) != code for code, label in labels.items()):
        attributes["configurable_variation_labels"] = cells["configurable_variation_labels"]


def _images(cells: Cells, given: dict[str, Any], attributes: dict[str, Any]) -> None:
    base = _plain(cells.get("base_image", ""))
    if "base_image" in cells or "additional_images" in cells:
        media: dict[str, dict[str, str]] = {}
        if base:
            media[base] = {"url": base, "alt": cells.get("base_image_label", "")}
        urls = texts.listed(_plain(cells.get("additional_images", "")))
        labels = texts.listed(_plain(cells.get("additional_image_labels", "")))
        if len(labels) != len(urls):
            labels = [""] * len(urls)
            attributes["additional_image_labels"] = cells.get("additional_image_labels")
        for url, label in zip(urls, labels, strict=True):
            if url:
                media.setdefault(url, {"url": url, "alt": label})
        given["media"] = list(media.values())
    for role in ROLES:
        for name, usual in ((role, base), (role + "_label", cells.get("base_image_label", ""))):
            if name in cells:
                cell = _plain(cells[name])
                attributes[name] = cell if cell != usual else None


def _stock(cells: Cells, given: dict[str, Any], attributes: dict[str, Any]) -> None:
    """Whole pieces at the one place there is; a quantity owed to buyers, or of parts, stays visible as an attribute."""
    cell = _plain(cells.get("qty", "")).strip()
    if not cell or cells.get("product_type", "").strip().lower() in ("configurable", "bundle", "grouped"):
        return
    count = texts.whole(cell)
    if count is None:
        raise Bad("qty", "stock.invalid", f"{cell[:40]!r} is not a number")
    given["stock"] = {DEFAULT_LOCATION: count}
    exact = Decimal(cell.replace(",", ""))
    if exact < 0 and exact == int(exact):  # sold beyond what there was
        attributes["oversold"] = str(-int(exact))
    elif exact != count:
        attributes["qty_exact"] = cell
    if (cells.get("is_in_stock") == "1") == (count > 0):
        attributes.pop("is_in_stock", None)
