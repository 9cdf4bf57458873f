"""Questions as whoosh queries, built term by term; the same ways and weights as for tantivy.

What a word scores in each field is added up: whoosh's disjunction maximum takes the score of another document where
one of its parts has already moved on.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from whoosh import query
from whoosh.query import And, AndMaybe, ConstantScoreQuery, Every, NullQuery, Or, Phrase, Prefix, Term

from shopctl.catalogue.engines.columns import AS_WRITTEN_WEIGHT, COLUMNS, HEAD_WEIGHT, WEIGHTS
from shopctl.catalogue.engines.whoosh_schema import (
    POSITION_ID,
    fact,
    has_value,
    keyword,
    shortened,
    stemmer,
    words_of,
)
from shopctl.catalogue.ports import Filter, Place, Question, Way

_BEGINNING, _BESIDE = 0.5, 0.5
_EVERY_WORD = 100.0  # lifts documents with every word above all others
_EXACT_SKU = 1000.0
_MOST_WORDS = 32


def query_of(question: Question, language: str) -> Any:
    """What scores."""
    if not question.text.strip():
        return Every()
    exact = ConstantScoreQuery(Term("sku", keyword(question.text.strip())), _EXACT_SKU)
    places = _literal(question.text) if question.places is None else question.places
    if not places:
        return exact
    wanted = any(place.required for place in places)
    parts = [(_place(place, language), place.required or not wanted) for place in places]
    every = And([part for part, required in parts if required])
    maybe = [part for part, required in parts if not required] + _beside(places, language)
    if maybe:
        every = AndMaybe(every, Or(maybe))
    if question.every_word or len(parts) == 1:
        return Or([exact, every])
    return Or([exact, every, *(part for part, _ in parts), ConstantScoreQuery(every, _EVERY_WORD)])


def filters_of(question: Question) -> tuple[Any, Any]:
    """What matching documents have, and what they have not."""
    kept: list[Any] = []
    kept_off: list[Any] = [Term("id", POSITION_ID)]
    for condition in question.filters:
        # A negated condition and an empty value turn each other round.
        excluded = condition.negated is not (condition.value == "")
        (kept_off if excluded else kept).append(_filter(condition))
    return (And(kept) if kept else None), Or(kept_off)


def side_by_side(words: Sequence[str], language: str) -> Any:
    """Names that have these words one after the other."""
    return _phrase("name", words, language)


def _literal(text: str) -> tuple[Place, ...]:
    words = list(dict.fromkeys(words_of(text)))[:_MOST_WORDS]
    places = [Place((Way((word,)),)) for word in words]
    if words and not text[-1:].isspace() and len(words[-1]) > 1:
        places[-1] = Place((*places[-1].ways, Way((words[-1],), begins=True)))
    return tuple(places)


def _place(place: Place, language: str) -> Any:
    ways = [_way(way, language) for way in place.ways]
    return ways[0] if len(ways) == 1 else Or(ways)


def _way(way: Way, language: str) -> Any:
    if way.begins:
        return Prefix("words", way.words[0], boost=_BEGINNING, constantscore=True)
    if len(way.words) == 1:
        return _word(way.words[0], language, way.weight)
    if way.phrase:
        return Or([_phrase(name, way.words, language, weight * way.weight) for name, weight in WEIGHTS.items()])
    return And([_word(word, language, way.weight) for word in way.words])


def _word(word: str, language: str, weight: float) -> Any:
    stem = stemmer(language)(word)
    ways = [Term(name, stem, boost=each * weight) for name, each in WEIGHTS.items()]
    ways.append(Term("head", stem, boost=HEAD_WEIGHT * weight))
    ways.append(Term("words", word, boost=AS_WRITTEN_WEIGHT * weight))
    return Or(ways)


def _beside(places: Sequence[Place], language: str) -> list[Any]:
    return [
        _phrase("name", (*one.ways[0].words, *other.ways[0].words), language, _BESIDE)
        for one, other in pairwise(places)
        if len(one.ways[0].words) == len(other.ways[0].words) == 1
    ]


def _phrase(field: str, words: Sequence[str], language: str, boost: float = 1.0) -> Any:
    stems = [stemmer(language)(word) for word in words]
    return Term(field, stems[0], boost=boost) if len(stems) == 1 else Phrase(field, stems, boost=boost)


def _filter(condition: Filter) -> query.Query:
    if not condition.value:
        return Term("filled", has_value(condition.field, condition.key))
    if condition.field == "fact":
        return Term("fact", keyword(fact(condition.key, condition.value)))
    text = condition.value if condition.field == "sku" else shortened(condition.value)
    return Term(COLUMNS[condition.field], keyword(text)) if text else NullQuery
