"""Products as the rows of a Saleor export; `saleor_reading` reads them back."""

from __future__ import annotations

import binascii
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from shopctl.catalogue.feed.row import DEFAULT_LIST
from shopctl.catalogue.feed.shops.cells import COMPARE_AT, attribute_cell
from shopctl.catalogue.feed.shops.saleor_channels import listing, price_lists, state, usual
from shopctl.catalogue.feed.shops.saleor_columns import FIXED, column, split
from shopctl.catalogue.feed.shops.saleor_reading import OF_A_SALE, OF_THE_PRODUCT, OF_THE_VARIANT
from shopctl.catalogue.feed.shops.saleor_texts import document
from shopctl.catalogue.feed.shops.shop import Cells, Family, Terms
from shopctl.catalogue.model import Product
from shopctl.kernel import clock, money

_COLUMN_OF = {key: name for name, key in (OF_THE_PRODUCT | OF_THE_VARIANT).items()}
_SALE_OF = {key: name for name, key in OF_A_SALE.items()}
_OWN = frozenset({"channels", "sales", "id", "variant_id", "shared_sku", "variant_weight", *OF_THE_VARIANT.values()})
_LISTING = {"published_at": "published at", "available_for_purchase_at": "available for purchase"}


def written(family: Family, terms: Terms) -> list[Cells]:
    """The rows of a product with its variants, the product's cells in each; a product without any is one row."""
    head, *variants = family
    channels = _Channels(family, terms)
    product = _product(head, variants) | channels.listings()
    if not variants:
        own = {"variant weight": _text(head, "variant_weight")}
        # Rows of one id are one product: an id that is not Saleor's may well be that of several.
        told = _text(head, "id")
        own["id" if _is_global_id(told, "Product") else "id (product attribute)"] = told
        return [product | own | _sold(head, channels) | _identity(head, own.get("id", ""))]
    rows = []
    for variant in variants:
        choices = {f"{name} (variant attribute)": str(value) for name, value in variant.options.items()}
        own = {
            "variant media": ", ".join(link["url"] for link in variant.media),
            "variant weight": _text(variant, "weight"),
            **_others(variant),
        }
        rows.append(
            product | {"id": head.sku} | choices | own | _sold(variant, channels) | _identity(variant, head.sku)
        )
    return rows


def _product(head: Product, variants: Sequence[Product]) -> Cells:
    leaf = slug(head.category.rpartition(" > ")[2])
    cells = {
        "name": head.name,
        "description": document(head.description),
        "category": leaf,
        "category path": head.category if head.category != leaf else "",
        "is shipping required": "" if head.kind == "physical" else "False",
        "tax class": head.tax_class or next((each.tax_class for each in variants), ""),
        "collections": ", ".join(head.tags),
        "product media": ", ".join(link["url"] for link in head.media),
    }
    if head.brand:
        cells["brand (product attribute)"] = head.brand
    for key, value in head.attributes.items():
        if key in OF_THE_PRODUCT.values() and isinstance(value, str):
            cells[_COLUMN_OF[key]] = value
        elif key not in _OWN and not (key == "brand" and head.brand):
            name = f"{key} (product attribute)"
            if split(name) == (key, "product attribute"):
                cells[name] = attribute_cell(value)
    return cells


def _identity(variant: Product, product_id: str) -> Cells:
    """A SKU that is the variant's id, or the product's, is none of its own: it stands where it came from."""
    told = _text(variant, "variant_id")
    shared = _text(variant, "shared_sku")
    if told:
        return {"variant id": told, "variant sku": shared or variant.sku}
    if _is_global_id(variant.sku, "ProductVariant"):
        return {"variant id": variant.sku, "variant sku": shared}
    if _is_global_id(variant.sku, "Product") and not variant.parent_sku and product_id in ("", variant.sku):
        return {"id": variant.sku, "variant sku": ""}
    return {"variant sku": variant.sku}


def _is_global_id(text: str, kind: str) -> bool:
    """Is it an id as Saleor makes them: base64 of `ProductVariant:384`?"""
    try:
        return bool(re.fullmatch(rf"{kind}:\d+".encode(), binascii.a2b_base64(text, strict_mode=True)))
    except ValueError:
        return False


def _others(variant: Product) -> Cells:
    """Further attributes of a variant, each in a column of its name: Saleor has none that are not chosen by."""
    return {
        key: attribute_cell(value)
        for key, value in variant.attributes.items()
        if key not in _OWN and key != "weight" and column(key) == key and key not in FIXED and not split(key)[0]
    }


def _sold(product: Product, channels: _Channels) -> Cells:
    cells = {f"{level.location} (warehouse quantity)": str(level.on_hand) for level in product.stock}
    cells |= {_COLUMN_OF[key]: _text(product, key) for key in OF_THE_VARIANT.values() if key in product.attributes}
    sales = product.attributes.get("sales")
    for place, facts in sales.items() if isinstance(sales, dict) else ():
        for key, value in facts.items() if isinstance(facts, dict) else ():
            if key in _SALE_OF:
                cells[f"{place} (channel {_SALE_OF[key]})"] = str(value)
    return cells | channels.prices(product)


class _Channels:
    """The channels of a product: those it came with, and one for each further price list it has prices on."""

    def __init__(self, family: Family, terms: Terms) -> None:
        self.head = family[0]
        told = self.head.attributes.get("channels")
        self.told: dict[str, dict[str, Any]] = (
            {slug: dict(facts) for slug, facts in told.items() if isinstance(facts, dict)}
            if isinstance(told, dict)
            else {}
        )
        self.currencies = {slug: str(facts["currency"]) for slug, facts in self.told.items() if facts.get("currency")}
        first = {price_list: slug for slug, price_list in self._lists().items()}
        self.slugs: dict[tuple[str, str], str] = {}
        sold = sorted({(price.list, price.currency) for product in family for price in product.prices})
        for price_list, currency in sold or ([] if self.told else [(DEFAULT_LIST, terms.currency)]):
            name = price_list.removesuffix(COMPARE_AT).strip() or DEFAULT_LIST
            slug = first.get((name, currency)) or (usual(currency) if name == DEFAULT_LIST else name)
            if self.currencies.setdefault(slug, currency) == currency:
                self.slugs[price_list, currency] = slug

    def _lists(self) -> dict[str, tuple[str, str]]:
        lists = price_lists(self.currencies.items())
        return {slug: (price_list, currency) for (slug, currency), price_list in lists.items()}

    def listings(self) -> Cells:
        """Where the product is published: as it came, or in all channels alike where the shop has decided otherwise."""
        publish_at = clock.show(self.head.publish_at)
        decided = listing(self.head.status, publish_at)
        same = state(self.told) == {"status": self.head.status, "publish_at": publish_at}
        cells: Cells = {}
        for slug in dict.fromkeys((*self.told, *self.currencies)):
            facts = self.told.get(slug) if same else {**self.told.get(slug, {}), "published_at": "", **decided}
            for key, value in (facts or decided).items():
                name = f"{slug} (channel {_LISTING.get(key, key)})"
                if split(name)[0]:
                    cells[name] = str(value)
            cells[f"{slug} (channel product currency code)"] = self.currencies.get(slug, "")
        return cells

    def prices(self, product: Product) -> Cells:
        """The prices of one piece that hold for ever, each in its channel."""
        cells: Cells = {}
        for price in product.prices:
            slug = self.slugs.get((price.list, price.currency))
            if slug and price.min_quantity == 1 and not price.valid_from and price.valid_until is None:
                what = "prior price" if price.list.endswith(COMPARE_AT) else "price"
                cells[f"{slug} (channel {what} amount)"] = money.show(price.amount, price.currency)
                cells[f"{slug} (channel variant currency code)"] = price.currency
        return cells


def slug(name: str) -> str:
    """A name as Saleor makes a slug of it (Django's `slugify`)."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain.lower())).strip("-_") or name


def _text(product: Product, key: str) -> str:
    value = product.attributes.get(key)
    return value if isinstance(value, str) else ""
