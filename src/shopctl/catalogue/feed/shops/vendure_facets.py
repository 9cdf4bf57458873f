"""Vendure's facets, `category:Plants|brand:Nike|color:black|color:white`, as categories, brand, tags and attributes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

# Names of facets that a product has fields for; "category" is what Vendure's own collections are built from.
_CATEGORY, _BRAND, _TAG = "category", "brand", "tag"


class Facets(NamedTuple):
    """What the facets of a product come to."""

    categories: list[str]  # the first one is the product's category
    brand: str
    tags: list[str]
    attributes: dict[str, Any]  # a text, or a list of texts where a facet has several values


def parts(cell: str) -> list[str]:
    """The texts between bars, trimmed, blank ones left out (Vendure's `parseStringArray`)."""
    return [part for part in map(str.strip, cell.split("|")) if part]


def read(cell: str) -> Facets:
    """A cell of facets. The value begins after the first colon; without a colon, or without a value, it is a tag."""
    facets = Facets([], "", [], {})
    brand = ""
    found: dict[str, dict[str, None]] = {}
    for part in parts(cell):
        name, _, value = (text.strip() for text in part.partition(":"))
        if not name or not value or name.casefold() == _TAG:
            facets.tags.append(value or name)
        elif name.casefold() == _CATEGORY:
            facets.categories.append(value)
        elif name.casefold() == _BRAND and not brand:
            brand = value
        else:
            found.setdefault(name, {})[value] = None
    for name, values in found.items():
        facets.attributes[name] = next(iter(values)) if len(values) == 1 else list(values)
    return facets._replace(brand=brand)


def inherited(product: Facets, own: Facets) -> Facets:
    """What holds for a variant: its own facets, and those of its product that it has none of."""
    tags = list(dict.fromkeys([*product.tags, *own.tags]))
    categories, brand = own.categories or product.categories, own.brand or product.brand
    return Facets(categories, brand, tags, product.attributes | own.attributes)


def written(categories: Iterable[str], brand: str, tags: Iterable[str], attributes: Mapping[str, Any]) -> str:
    """The cell that says so. What holds a bar is left out, for Vendure has no way to say it."""
    pairs = [(_CATEGORY, path) for path in categories]
    pairs += [(_BRAND, brand)] if brand else []
    for name, value in attributes.items():
        if sayable(name) and (name.casefold() != _BRAND or brand):
            pairs += [(name, text) for text in _texts(value)]
    pairs += [(_TAG, tag) for tag in tags]
    return "|".join(f"{name}:{value}" for name, value in pairs if "|" not in value)


def sayable(name: str) -> bool:
    """Can a facet have this name and still mean an attribute?"""
    return bool(name.strip()) and not any(c in name for c in ":|") and name.casefold() not in (_CATEGORY, _TAG)


def exact(name: str, value: Any) -> bool:
    """Would a facet bring the attribute back as it is?"""
    return read(written([], "-", [], {name: value})).attributes == {name: value}


def _texts(value: Any) -> Iterator[str]:
    """An attribute as the values of a facet; a number or truth value as JSON writes it."""
    if isinstance(value, list):
        for element in value:
            if not isinstance(element, list):
                yield from _texts(element)
    elif isinstance(value, bool):
        yield "true" if value else "false"
    elif value is not None and not isinstance(value, dict) and (text := str(value).strip()):
        yield text
