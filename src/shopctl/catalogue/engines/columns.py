"""What the index of every engine is made of: fields of words with their weights, and fields to choose and count by."""

from __future__ import annotations

from functools import lru_cache

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

_AMOUNTS = 2**48  # what a price may be, beside its currency, in one number of 63 bits


def price(currency: str, amount: int) -> int:
    """A price as one number, so that those of a currency lie side by side in the order of their amounts.

    Amounts below nothing, and from 2^48 - 2 minor units on, count as equal.
    """
    return _place(currency) + min(max(amount + 1, 0), _AMOUNTS - 1)


@lru_cache(maxsize=500)
def _place(currency: str) -> int:
    place = 0
    for letter in currency:
        place = place * 32 + (ord(letter) & 31)
    return place * _AMOUNTS


def exact(amount: int) -> bool:
    """Whether `price` tells this amount from every other."""
    return 0 <= amount < _AMOUNTS - 2
