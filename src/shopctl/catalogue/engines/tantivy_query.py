"""Questions as tantivy queries, built term by term: what a person types is never parsed as a query language.

A word is looked for in every field, and its best field counts most (a disjunction maximum with a tie breaker). The
weights follow what a word in that place says about a product.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

from tantivy import FieldType, Occur, Query

from shopctl.catalogue.engines.columns import AS_WRITTEN_WEIGHT, COLUMNS, HEAD_WEIGHT, WEIGHTS, price
from shopctl.catalogue.engines.tantivy_schema import (
    HEAD,
    POSITION_ID,
    VALUE,
    analyzers,
    fact_column,
    folded,
    schema,
    shortened,
)
from shopctl.catalogue.ports import Filter, Place, Priced, Question, Way
from shopctl.kernel.clock import Instant

_BEGINNING = 0.5  # for the last word, which may not be typed to its end
_BESIDE = 0.5  # for words that stand side by side in the name too
_TIE_BREAKER = 0.4  # how much the other fields count beside the best
_EVERY_WORD = 100.0  # lifts documents with every word above all others
_EXACT_SKU = 1000.0
_MOST_WORDS = 32  # of a question; the rest is left out


@lru_cache(maxsize=8)  # what finds the hits of a page counts their facets too
def query_of(question: Question, language: str) -> Any:
    """The query. Filters choose and do not score."""
    clauses: list[tuple[Any, Any]] = [(Occur.MustNot, _number("id", POSITION_ID))]
    if question.text.strip():
        clauses.append((Occur.Must, _text(question, language)))
    else:
        clauses.append((Occur.Must, Query.all_query()))
    for condition in question.filters:
        matching = Query.const_score_query(_filter(condition), 0.0)
        # A negated condition and an empty value turn each other round.
        excluded = condition.negated is not (condition.value == "")
        clauses.append((Occur.MustNot if excluded else Occur.Must, matching))
    if question.priced is not None:
        clauses += [(Occur.Must, Query.const_score_query(each, 0.0)) for each in _priced(question.priced)]
    if question.without:
        clauses.append((Occur.MustNot, of_ids(question.without)))
    if question.visible_at is not None:
        clauses += _visible(question.visible_at)
    return Query.boolean_query(clauses)


def words_of(text: str) -> list[str]:
    """The words of a text as they are looked up."""
    found: list[str] = analyzers("none")["words"].analyze(text)
    return found


def of_ids(ids: Collection[int]) -> Any:
    """Documents of these numbers."""
    return Query.term_set_query(schema(), "id", list(ids))


def side_by_side(words: Sequence[str], language: str) -> Any:
    """Names that have these words one after the other."""
    return _phrase("name", words, language)


@lru_cache(maxsize=2000)
def stem_of(word: str, language: str) -> str:
    """A word without its ending."""
    stems = analyzers(language)["stemmed"].analyze(word)
    return stems[0] if stems else word


def _text(question: Question, language: str) -> Any:
    text = question.text
    exact = Query.boost_query(Query.const_score_query(_keyword("sku", text.strip()), 1.0), _EXACT_SKU)
    ways = [(Occur.Should, exact)]
    places = _literal(text) if question.places is None else question.places
    if parts := [_place(place, language) for place in places]:
        wanted = any(place.required for place in places)
        roles = [Occur.Must if place.required or not wanted else Occur.Should for place in places]
        beside = [(Occur.Should, pair) for pair in _beside(places, language)]
        every = Query.boolean_query([*zip(roles, parts, strict=True), *beside])
        ways.append((Occur.Should, every))
        if not question.every_word and len(parts) > 1:
            ways += [(Occur.Should, part) for part in parts]
            ways.append((Occur.Should, Query.const_score_query(every, _EVERY_WORD)))
    return Query.boolean_query(ways)


def _literal(text: str) -> list[Place]:
    words = list(dict.fromkeys(words_of(text)))[:_MOST_WORDS]
    places = [Place((Way((word,)),)) for word in words]
    if words and not text[-1:].isspace() and len(words[-1]) > 1:
        places[-1] = Place((*places[-1].ways, Way((words[-1],), begins=True)))
    return places


def _place(place: Place, language: str) -> Any:
    ways = [_way(way, language) for way in place.ways]
    return ways[0] if len(ways) == 1 else Query.disjunction_max_query(ways, 0.0)


def _way(way: Way, language: str) -> Any:
    if way.begins:
        return Query.const_score_query(_beginning("words", way.words[0]), _BEGINNING)
    if len(way.words) == 1:
        query = _word(way.words[0], language)
    elif way.phrase:
        weighted = [Query.boost_query(_phrase(name, way.words, language), weight) for name, weight in WEIGHTS.items()]
        query = Query.disjunction_max_query(weighted, _TIE_BREAKER)
    else:
        query = Query.boolean_query([(Occur.Must, _word(word, language)) for word in way.words])
    return query if way.weight == 1.0 else Query.boost_query(query, way.weight)


@lru_cache(maxsize=2000)  # people ask with the same words
def _word(word: str, language: str) -> Any:
    stem = stem_of(word, language)
    ways = [Query.boost_query(_term(name, stem), weight) for name, weight in WEIGHTS.items()]
    ways.append(Query.boost_query(_term(HEAD, stem), HEAD_WEIGHT))
    ways.append(Query.boost_query(_term("words", word), AS_WRITTEN_WEIGHT))
    return Query.disjunction_max_query(ways, _TIE_BREAKER)


def _beside(places: Sequence[Place], language: str) -> Iterator[Any]:
    for one, other in pairwise(places):
        first, second = one.ways[0], other.ways[0]
        if len(first.words) == len(second.words) == 1:
            yield Query.boost_query(_phrase("name", (*first.words, *second.words), language), _BESIDE)


def _phrase(field: str, words: Sequence[str], language: str) -> Any:
    if len(words) == 1:
        return _term(field, stem_of(words[0], language))
    return Query.phrase_query(schema(), field, [stem_of(word, language) for word in words])


def _filter(condition: Filter) -> Any:
    if condition.field == "fact":
        column = fact_column(condition.key)
        return _term(column, folded(VALUE + shortened(condition.value)), "basic") if condition.value else filled(column)
    column = COLUMNS[condition.field]
    return _keyword(column, condition.value) if condition.value else _beginning(column, "")


def filled(column: str) -> Any:
    """Products that have an option or attribute in this column."""
    return Query.exists_query(column)


def _priced(priced: Priced) -> Iterator[Any]:
    for ranges in priced.conditions:
        yield Query.boolean_query([(Occur.Should, _between(priced.currency, *each)) for each in ranges])
    if priced.varying:
        yield _term("price_varies", priced.currency, "basic")


def _between(currency: str, low: int, high: int) -> Any:
    return Query.range_query(
        schema(), "price", FieldType.Integer, lower_bound=price(currency, low), upper_bound=price(currency, high)
    )


def _visible(at: Instant) -> list[tuple[Any, Any]]:
    # Almost every product is visible always: naming the others is what costs least.
    begun = Query.range_query(schema(), "visible_from", FieldType.Integer, upper_bound=at)
    not_ended = Query.range_query(schema(), "visible_until", FieldType.Integer, lower_bound=at, include_lower=False)
    hidden_now = Query.boolean_query(
        [
            (Occur.Must, _term("shown", "timed")),
            (Occur.MustNot, Query.boolean_query([(Occur.Must, begun), (Occur.Must, not_ended)])),
        ]
    )
    return [(Occur.MustNot, _term("shown", "never")), (Occur.MustNot, hidden_now)]


def _keyword(field: str, text: str) -> Any:
    return _term(field, folded(shortened(text)), "basic")


def _term(field: str, value: str, index_option: str = "freq") -> Any:
    return Query.term_query(schema(), field, value, index_option)


def _number(field: str, value: int) -> Any:
    return Query.term_query(schema(), field, value)


def _beginning(field: str, start: str) -> Any:
    # A fuzzy prefix without any fuzziness takes the text as it is, where a regular expression would need escapes.
    return Query.fuzzy_term_query(schema(), field, start, 0, True, True)
