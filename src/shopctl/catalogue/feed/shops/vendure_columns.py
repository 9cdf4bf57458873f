"""The columns of Vendure's product files: which belong to the product, which have a language, which are attributes."""

from __future__ import annotations

import re
import unicodedata

from shopctl.catalogue.feed.shops.shop import Cells

COLUMNS = (
    "name", "slug", "description", "assets", "facets", "optionGroups", "optionValues", "sku", "price", "taxCategory",
    "stockOnHand", "trackInventory", "variantAssets", "variantFacets", "enabled",
)  # fmt: skip
"""The columns in the order of Vendure's documentation; `enabled` stands in an export only where it says something."""

_OF_THE_PRODUCT = frozenset({"name", "slug", "description", "assets", "facets", "optionGroups", "product"})
SPOKEN = frozenset({"name", "slug", "description", "facets", "optionGroups", "optionValues", "variantFacets"})
_BY_NAME = {name.casefold(): name for name in COLUMNS}
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:_[A-Za-z]{2,4})?")


def column(header: str) -> str:
    """`Name:de` is `name:de`; custom fields and unknown columns keep their names."""
    name, colon, rest = header.strip().partition(":")
    return f"{_BY_NAME.get(name.strip().casefold(), name.strip())}{colon}{rest.strip()}"


def of_the_product(name: str) -> bool:
    """Does the column speak of the product, so that only its first row counts?"""
    return name.partition(":")[0] in _OF_THE_PRODUCT


def main_language(columns: frozenset[str]) -> str:
    """The language that names and texts are read in: English where there is a choice, "" where columns have none."""
    split = [name.partition(":") for name in columns]
    languages = sorted(language for base, _, language in split if base in SPOKEN and is_language(language))
    return "en" if "en" in languages else next(iter(languages), "")


def is_language(text: object) -> bool:
    """Is it a language code as Vendure has them (`de`, `pt_BR`, `zh_Hans`)?"""
    return isinstance(text, str) and bool(_LANGUAGE.fullmatch(text))


def said(cells: Cells, name: str, language: str) -> str:
    """What a column says, in the main language where it has languages."""
    return (cells.get(name, "") or language and cells.get(f"{name}:{language}", "")).strip()


def is_attribute(name: str, language: str) -> bool:
    """Is the column an attribute under its own name: a translation, a custom field, a column Vendure does not know?"""
    base, _, rest = name.partition(":")
    if base.casefold() not in _BY_NAME:
        return bool(base)
    return base in SPOKEN and rest not in ("", language)


def slug_of(name: str) -> str:
    """The slug Vendure makes of a name (`normalizeString`): no accents, lower case, signs left out, hyphens."""
    plain = "".join(c for c in unicodedata.normalize("NFD", name) if not unicodedata.combining(c))
    kept = re.sub(r"[!\"£$%^&*()+\[\]{};:@#~?\\/,|><`¬'=‘’©®™]", "", plain.lower())
    return re.sub(r"\s+", "-", kept.strip())
