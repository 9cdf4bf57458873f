"""What the index of every engine is made of: fields of words with their weights, and fields to choose and count by."""

from __future__ import annotations

from shopctl.catalogue.ports import Keyword

WEIGHTS = {"name": 2.5, "brand": 4.0, "category": 2.5, "details": 1.0, "description": 1.0}
"""Stemmed fields, and how much more a word counts in one than in another."""

HEAD_WEIGHT = 1.0  # for a word that says what the product is
AS_WRITTEN_WEIGHT = 0.75  # for a word that needs no stemming to match

COLUMNS: dict[Keyword, str] = {
    "brand": "brand_is",
    "category": "category_in",
    "fact": "fact",
    "kind": "kind_is",
    "sku": "sku",
    "tag": "tag",
}
"""The keyword fields: folded terms to choose by, and the text as it was written to count by."""
