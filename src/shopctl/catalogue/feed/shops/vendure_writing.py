"""Products as the rows of a Vendure file; what it has no place for is left out, and named by the export."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from shopctl.catalogue.feed.groups import generated_sku
from shopctl.catalogue.feed.shops import vendure_facets
from shopctl.catalogue.feed.shops.cells import amount, attribute_cell, stock_cell
from shopctl.catalogue.feed.shops.shop import Cells, Family, Terms
from shopctl.catalogue.feed.shops.vendure_columns import (
    SPOKEN,
    column,
    is_attribute,
    is_language,
    of_the_product,
    slug_of,
)
from shopctl.catalogue.model import Product

# Attributes that have columns of their own.
_OWN = frozenset({"slug", "shared_sku", "oversold", "languageCode", "trackInventory", "optionGroups"})


def written(family: Family, terms: Terms) -> list[Cells]:
    """The rows of a product with its variants; a product without any is one row."""
    head, *variants = family
    spoken = _Spoken(family)
    product = {
        spoken("name"): head.name,
        spoken("description"): head.description,
        "assets": _bars(head),
        spoken("facets"): vendure_facets.written(
            _paths(head), head.brand, head.tags, _facets(head, alone=not variants)
        ),
        **_columns(head, spoken.language, product_level=True),
    }
    if not variants:
        product[spoken("slug")] = str(head.attributes.get("slug") or slug_of(head.name))
        return [product | _columns(head, spoken.language, product_level=False) | _sold(head, terms) | {"sku": head.sku}]
    groups = _groups(head, variants)
    slug, skus = _identities(head, variants, groups)
    product |= {spoken("slug"): slug, spoken("optionGroups"): "|".join(groups)}
    rows = [
        _variant(variant, head, groups, spoken, terms) | {"sku": sku}
        for variant, sku in zip(variants, skus, strict=True)
    ]
    if head.status != "active":
        rows[0]["enabled"] = "false"
    return [product | rows[0], *rows[1:]]


class _Spoken:
    """Which columns of a product have a language: those that have a translation, else the name alone."""

    def __init__(self, family: Family) -> None:
        code = family[0].attributes.get("languageCode")
        self.language = str(code) if is_language(code) else ""
        named = {name.partition(":")[0] for product in family for name in product.attributes if ":" in name}
        self.bases = named & SPOKEN or {"name"}

    def __call__(self, base: str) -> str:
        return f"{base}:{self.language}" if self.language and base in self.bases else base


def _variant(variant: Product, head: Product, groups: Sequence[str], spoken: _Spoken, terms: Terms) -> Cells:
    categories = [] if _paths(variant) == _paths(head) else _paths(variant)
    brand = "" if variant.brand == head.brand else variant.brand
    tags = [tag for tag in variant.tags if tag not in head.tags]
    own = _facets(variant, alone=True)
    differing = {name: value for name, value in own.items() if head.attributes.get(name) != value}
    facets = vendure_facets.written(categories, brand, tags, differing)
    return {
        spoken("optionValues"): "|".join(str(variant.options[name]) for name in groups),
        "variantAssets": _bars(variant),
        spoken("variantFacets"): facets,
        **_columns(variant, spoken.language, product_level=False),
        **_sold(variant, terms),
    }


def _sold(product: Product, terms: Terms) -> Cells:
    stock, oversold = stock_cell(product), product.attributes.get("oversold")
    return {
        "price": amount(product, terms),
        "taxCategory": product.tax_class,
        "stockOnHand": f"-{oversold}" if oversold and stock == "0" else stock,
        "trackInventory": str(product.attributes.get("trackInventory", "")),
        "enabled": "" if product.status == "active" else "false",
    }


def _groups(head: Product, variants: Sequence[Product]) -> list[str]:
    """The options, in the order the product has them; none where Vendure could not say those of every variant."""
    names = sorted(variants[0].options)
    told = vendure_facets.parts(str(head.attributes.get("optionGroups", "")))
    if sorted(told) == names:
        names = told
    for variant in variants:
        words = [*variant.options, *map(str, variant.options.values())]
        if sorted(variant.options) != sorted(names) or any("|" in word or not word.strip() for word in words):
            return []
    return names


def _identities(head: Product, variants: Sequence[Product], groups: Sequence[str]) -> tuple[str, list[str]]:
    """The slug and the SKUs: those the file had where reading them makes the same SKUs of them, else the shop's own."""
    slug = str(head.attributes.get("slug", ""))
    skus = [variant.sku for variant in variants]
    if head.sku != f"{slug}-product" or slug not in skus:
        slug = head.sku
    generated = [generated_sku(slug, [str(variant.options[name]).strip() for name in groups]) for variant in variants]
    told = [str(variant.attributes.get("shared_sku", "")).strip() for variant in variants]
    alike = [made == sku and bool(word) for made, sku, word in zip(generated, skus, told, strict=True)]
    count = Counter(word for word, same in zip(told, alike, strict=True) if same)
    return slug, [word if same and count[word] > 1 else sku for sku, word, same in zip(skus, told, alike, strict=True)]


def _facets(product: Product, *, alone: bool) -> dict[str, Any]:
    """The attributes that are facets. A product with variants has no columns for what facets cannot say whole."""
    return {
        name: value
        for name, value in product.attributes.items()
        if name not in _OWN and ":" not in name and not (alone and _has_column(name, value))
    }


def _columns(product: Product, language: str, *, product_level: bool) -> Cells:
    """The attributes that are columns: translations, custom fields, and texts that no facet can say."""
    return {
        name: attribute_cell(value)
        for name, value in product.attributes.items()
        if name not in _OWN
        and of_the_product(name) == product_level
        and is_attribute(name, language)
        and column(name) == name
        and (":" in name or _has_column(name, value))
    }


def _has_column(name: str, value: Any) -> bool:
    return isinstance(value, (str, dict, list)) and not (
        vendure_facets.sayable(name) and vendure_facets.exact(name, value)
    )


def _paths(product: Product) -> list[str]:
    return [path for path in (product.category, *product.categories) if path]


def _bars(product: Product) -> str:
    return "|".join(link["url"] for link in product.media if "|" not in link["url"])
