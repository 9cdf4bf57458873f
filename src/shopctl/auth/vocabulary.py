"""The words that people build passwords of, by how soon they are tried, and how likely one letter follows others."""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import pairwise
from math import log10
from typing import NamedTuple

_EDGE = "\n"
_WEIGHT = 5  # how much what is seen in general counts beside what is seen after these letters


class Vocabulary(NamedTuple):
    """The words with their ranks, from 1, and how often letters stand after one and two others in them."""

    ranks: dict[str, int]
    letters: Counter[str]
    pairs: Counter[tuple[str, str]]
    threes: Counter[tuple[str, str, str]]
    size: int


@cache
def vocabulary() -> Vocabulary:
    """What zxcvbn brings: leaked passwords, English as it is written and spoken, names of many countries."""
    from zxcvbn.matching import RANKED_DICTIONARIES

    ranks: dict[str, int] = {}
    for name, words in RANKED_DICTIONARIES.items():
        if name != "user_inputs":
            for word, rank in words.items():
                ranks[word] = min(rank, ranks.get(word, rank))
    text = _EDGE * 2 + (_EDGE * 2).join(filter(str.isalpha, ranks)) + _EDGE
    pairs, threes = pairwise(text), zip(text, text[1:], text[2:], strict=False)
    return Vocabulary(ranks, Counter(text), Counter(pairs), Counter(threes), len(text))


@cache
def letter(before: str, last: str, this: str) -> float:
    """The power of ten of the guesses for a letter after two characters: about 0.8 in words, 1.8 in random letters."""
    _, letters, pairs, threes, size = vocabulary()
    last = last if last.isalpha() else _EDGE
    before = before if before.isalpha() and last != _EDGE else _EDGE
    single = (letters[this] + 1) / (size + 30)
    double = (pairs[last, this] + _WEIGHT * single) / (letters[last] + _WEIGHT)
    return -log10((threes[before, last, this] + _WEIGHT * double) / (pairs[before, last] + _WEIGHT))
