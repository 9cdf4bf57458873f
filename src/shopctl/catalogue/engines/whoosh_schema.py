"""The whoosh schema: which fields an index has, how their text becomes terms, how a document goes in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

from whoosh import fields
from whoosh.analysis import Analyzer, Token
from whoosh.lang import has_stemmer, stemmer_for_language

from shopctl.catalogue.engines.alike import kind_of
from shopctl.catalogue.engines.columns import COLUMNS, WEIGHTS
from shopctl.catalogue.engines.names import head, noun
from shopctl.catalogue.ports import Document, Keyword, Priced

FORMAT = 3  # raise it with every change of this module that makes other terms of the same document


POSITION_ID = "-1"  # the one document that is no product: it stores the position
ALWAYS = (0, 2**63 - 1)
_SEPARATOR = "\x01"  # between a fact's key and its value
_BETWEEN = "\x02"  # between keywords
_WORD = re.compile(r"[^\W_]+")
_LONGEST_WORD = 60  # bytes
_LONGEST_KEYWORD = 250  # characters; longer ones count as equal when they begin alike
_LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ł": "l", "þ": "th", "ı": "i"})


def folded(text: str) -> str:
    """Text without case and accents."""
    lower = text.lower()
    if lower.isascii():
        return lower
    # Only Latin letters lose their marks: in other scripts these make another letter.
    return "".join(
        plain if (plain := unicodedata.normalize("NFKD", char)[:1]).isascii() else char
        for char in unicodedata.normalize("NFC", lower).translate(_LETTERS)
    )


def shortened(text: str) -> str:
    """A keyword of bounded length."""
    return text[:_LONGEST_KEYWORD]


def fact(key: str, value: str) -> str:
    """An option or attribute as one keyword."""
    return f"{shortened(key)}{_SEPARATOR}{shortened(value)}"


def keyword(text: str) -> str:
    """A keyword as its term."""
    return folded(text).replace(_BETWEEN, " ")


def words_of(text: str) -> list[str]:
    """The words of a text as they are looked up."""
    return [word for word in map(folded, _WORD.findall(text)) if len(word.encode()) < _LONGEST_WORD]


@lru_cache(maxsize=4)
def stemmer(language: str) -> Callable[[str], str]:
    """What takes the endings off words; whoosh has none for some languages, whose words then stay as they are."""
    if language == "none" or not has_stemmer(language):
        return str
    stem: Callable[[str], str] = lru_cache(maxsize=50_000)(stemmer_for_language(language))
    return stem


class Terms(Analyzer):  # type: ignore[misc]
    """Text into terms: words, stems of a language, or whole keywords."""

    def __init__(self, kind: str, language: str = "none") -> None:
        self.kind = kind
        self.language = language

    def __call__(self, value: str, **asked: Any) -> Iterator[Any]:
        """Tokens as whoosh wants them: one object, changed from term to term."""
        token = Token(positions=True, chars=False, mode=asked.get("mode", ""))
        for token.pos, token.text in enumerate(self._terms(value)):
            token.boost = 1.0
            token.stopped = False
            yield token

    def _terms(self, value: str) -> Iterable[str]:
        if self.kind == "keywords":
            return filter(None, value.split(_BETWEEN))
        words = words_of(value)
        return map(stemmer(self.language), words) if self.kind == "stems" else words


def schema(language: str) -> Any:
    """The schema of every index of this format."""
    stems, words = Terms("stems", language), Terms("words")
    keywords = Terms("keywords")
    return fields.Schema(
        id=fields.ID(stored=True, unique=True),
        **{name: fields.TEXT(analyzer=stems, phrase=True, spelling=False) for name in WEIGHTS},
        head=fields.TEXT(analyzer=stems, phrase=False),
        words=fields.TEXT(analyzer=words, phrase=False),
        **{name: fields.TEXT(analyzer=keywords, phrase=False) for name in COLUMNS.values()},
        filled=fields.TEXT(analyzer=keywords, phrase=False),  # which keyword fields and facts have any value
        shown=fields.STORED,  # (sku, visible, costs, what kind of thing it is)
        values=fields.STORED,  # by keyword field: its values as they were written
        position=fields.STORED,
    )


def written(document: Document, language: str) -> dict[str, Any]:
    """A document as whoosh takes it."""
    values: dict[Keyword, list[str]] = {
        "brand": [shortened(document.brand)] if document.brand else [],
        "category": [shortened(path) for path in document.categories],
        "fact": [fact(key, value) for key, value in document.facts],
        "kind": [document.kind],
        "sku": [document.sku],
        "tag": [shortened(tag) for tag in document.tags],
    }
    filled: set[str] = {name for name, found in values.items() if found}
    filled |= {f"fact {keyword(shortened(key))}" for key, _ in document.facts}
    above = {path for path in document.categories if any(o.startswith(f"{path} > ") for o in document.categories)}
    places = " ".join(path for path in document.categories if path not in above)
    what = head(document.name, language)
    nouns = words_of(noun(what, language))
    kind = kind_of(stemmer(language)(nouns[-1]) if nouns else "", folded(document.brand))
    return {
        "id": str(document.id),
        "name": document.name,
        "brand": document.brand,
        "category": places,
        "details": document.details,
        "description": document.description,
        "head": what,
        "words": " ".join([document.sku, document.name, document.details, document.brand, places]),
        **{COLUMNS[name]: _BETWEEN.join(map(keyword, found)) for name, found in values.items()},
        "filled": _BETWEEN.join(sorted(filled)),
        "shown": (document.sku, document.visible, tuple(map(tuple, document.costs)), kind),
        "values": values,
    }


def has_value(field: str, key: str) -> str:
    """The term of `filled` for a keyword field, or for the facts of a key."""
    return f"fact {keyword(shortened(key))}" if field == "fact" else field


def value_of(text: str, key: str) -> str | None:
    """The value of a fact of this key; None for one of another key."""
    name, _, value = text.partition(_SEPARATOR)
    return value if folded(name) == folded(shortened(key)) else None


def may_cost(costs: Iterable[tuple[str, tuple[int, ...], bool]], priced: Priced) -> bool:
    """Whether a product with these costs is one that the question asks for."""
    for currency, amounts, varies in costs:
        if currency == priced.currency and (varies or not priced.varying):
            return all(
                any(low <= amount <= high for low, high in ranges for amount in amounts) for ranges in priced.conditions
            )
    return False
