"""Which words of a product's name say what it is: of `Oak shelf with drawers, 60 cm` it is `oak shelf`."""

from __future__ import annotations

import re

# A name says first what a thing is, then what comes with it.
_JOINS = "with|for|f/|w/|in|incl|plus|&|mit|für|avec|pour|con|para|per|met|voor"
_REST = re.compile(rf"\s(?:{_JOINS})\s|[,(–]|\s-\s", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{2,}(?:-[^\W\d_]+)*")
_NOUN_FIRST = frozenset({"french", "italian", "portuguese", "romanian", "spanish"})


def head(name: str, language: str) -> str:
    """Two words around the noun: it ends the name's first part in most languages, and begins it in the Romance ones."""
    rest = _REST.search(name, 1)
    words = _WORD.findall(name, 0, rest.start()) if rest else _WORD.findall(name)
    return " ".join(words[:2] if language in _NOUN_FIRST else words[-2:])


def noun(head: str, language: str) -> str:
    """The noun of what `head` gave."""
    return head.partition(" ")[0] if language in _NOUN_FIRST else head.rpartition(" ")[2]
