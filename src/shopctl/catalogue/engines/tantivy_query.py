"""Questions as tantivy queries, built term by term: what a person types is never parsed as a query language.

A word is looked for in every field, and its best field counts most (a disjunction maximum with a tie breaker). The
weights follow what a word in that place says about a product.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tantivy import FieldType, Occur, Query

from shopctl.catalogue.engines.tantivy_schema import (
    COLUMNS,
    POSITION_ID,
    TEXTS,
    analyzers,
    fact,
    fact_start,
    folded,
    schema,
    shortened,
)
from shopctl.catalogue.ports import Filter, Question
from shopctl.kernel.clock import Instant

_WEIGHTS = dict(zip(TEXTS, (5.0, 4.0, 2.5, 1.2, 1.0), strict=True))  # name, brand, category, details, description
_AS_WRITTEN = 1.0  # for a word that needs no stemming to match
_BEGINNING = 0.5  # for the last word, which may not be typed to its end
_TIE_BREAKER = 0.2
_EVERY_WORD = 100.0  # lifts documents with every word above all others
_EXACT_SKU = 1000.0
_MOST_WORDS = 32  # of a question; the rest is left out


def query_of(question: Question) -> Any:
    """The query. Filters choose and do not score."""
    clauses: list[tuple[Any, Any]] = [(Occur.MustNot, _number("id", POSITION_ID))]
    if question.text.strip():
        clauses.append((Occur.Must, _text(question.text, question.every_word)))
    else:
        clauses.append((Occur.Must, Query.all_query()))
    for condition in question.filters:
        matching = Query.const_score_query(_filter(condition), 0.0)
        # A negated condition and an empty value turn each other round.
        excluded = condition.negated is not (condition.value == "")
        clauses.append((Occur.MustNot if excluded else Occur.Must, matching))
    if question.visible_at is not None:
        clauses += _visible(question.visible_at)
    return Query.boolean_query(clauses)


def words_of(text: str) -> list[str]:
    """The words of a text as they are looked up, each once."""
    return list(dict.fromkeys(analyzers()["words"].analyze(text)))[:_MOST_WORDS]


def of_ids(ids: Collection[int]) -> Any:
    """Documents of these numbers."""
    return Query.term_set_query(schema(), "id", list(ids))


def _text(text: str, every_word: bool) -> Any:
    words = words_of(text)
    ways = [Query.boost_query(Query.const_score_query(_keyword("sku", text.strip()), 1.0), _EXACT_SKU)]
    if words:
        open_end = not text[-1:].isspace()
        parts = [_word(word, open_end and word is words[-1]) for word in words]
        every = Query.boolean_query([(Occur.Must, part) for part in parts])
        if every_word or len(parts) == 1:
            ways.append(every)
        else:
            ways += [*parts, Query.const_score_query(every, _EVERY_WORD)]
    return Query.boolean_query([(Occur.Should, way) for way in ways])


def _word(word: str, may_go_on: bool) -> Any:
    stems = analyzers()["stemmed"].analyze(word) or [word]
    ways = [Query.boost_query(_term(field, stems[0]), weight) for field, weight in _WEIGHTS.items()]
    ways.append(Query.boost_query(_term("words", word), _AS_WRITTEN))
    if may_go_on and len(word) > 1:
        ways.append(Query.const_score_query(_beginning("words", word), _BEGINNING))
    return Query.disjunction_max_query(ways, _TIE_BREAKER)


def _filter(condition: Filter) -> Any:
    column = COLUMNS[condition.field]
    if condition.value:
        text = condition.value if condition.field != "fact" else fact(condition.key, condition.value)
        return _keyword(column, text)
    return _beginning(column, folded(fact_start(condition.key)) if condition.field == "fact" else "")


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
    return _term(field, folded(text if field == "fact" else shortened(text)), "basic")


def _term(field: str, value: str, index_option: str = "freq") -> Any:
    return Query.term_query(schema(), field, value, index_option)


def _number(field: str, value: int) -> Any:
    return Query.term_query(schema(), field, value)


def _beginning(field: str, start: str) -> Any:
    # A fuzzy prefix without any fuzziness takes the text as it is, where a regular expression would need escapes.
    return Query.fuzzy_term_query(schema(), field, start, 0, True, True)
