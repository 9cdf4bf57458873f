"""Hits that are what most of the best hits are, are lifted: who looks for a monitor wants one, and no arm for it.

What a product is, the noun in its name says; of the same maker it is alike the more. It is feedback from the first
hits without asking anybody (Attar and Fraenkel 1977), by these two facts alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import TypeVar
from zlib import crc32

Place = TypeVar("Place")

_BEST = 50  # hits that are compared, and lifted
_LIFT = 0.2  # of a score, where all have the same noun; as much again where all are of one maker too
_NOUN = 32  # bits to its right are the maker's


def kind_of(noun: str, brand: str) -> int:
    """What a product is, as a number of 63 bits: equal for equal nouns and brands; 0 for one that no noun tells of."""
    if not noun:
        return 0
    return (crc32(noun.encode("utf-8", "replace")) & 0x7FFFFFFF) << _NOUN | crc32(brand.encode("utf-8", "replace"))


def lifted(
    hits: list[tuple[Place, float]], kinds_of: Callable[[list[Place]], Sequence[int]]
) -> list[tuple[Place, float]]:
    """Hits as (place, score), the best first, with the scores of the first ones lifted by how usual their kinds are.

    Equally good hits are lifted all or none: which of them come first is not settled yet.
    """
    best = _best(hits)
    total = sum(score for _, score in best)
    if len(best) < 2 or not total:
        return hits
    kinds = kinds_of([place for place, _ in best])
    whole: dict[int, float] = {}
    for (_, score), kind in zip(best, kinds, strict=True):
        whole[kind] = whole.get(kind, 0.0) + score
    nouns: dict[int, float] = {}
    for kind, share in whole.items():
        nouns[kind >> _NOUN] = nouns.get(kind >> _NOUN, 0.0) + share
    lifts = {kind: 1 + _LIFT * (nouns[kind >> _NOUN] + share) / total for kind, share in whole.items()}
    lifts[0] = 1.0
    again = [(place, score * lifts[kind]) for (place, score), kind in zip(best, kinds, strict=True)]
    again.sort(key=itemgetter(1), reverse=True)
    return again + hits[len(best) :]


def _best(hits: list[tuple[Place, float]]) -> list[tuple[Place, float]]:
    last = min(_BEST, len(hits))
    while 0 < last < len(hits) and hits[last - 1][1] == hits[last][1]:
        last -= 1
    return hits[:last]
