"""Finds one page of hits: with every word first, else with a likelier spelling, else with some of the words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import pairwise
from typing import NamedTuple

from shopctl.catalogue import queries
from shopctl.catalogue.candidates import Choice, Terms, chosen
from shopctl.catalogue.indexing import Standing
from shopctl.catalogue.ports import Counts, Filter, Index, Keyword, Question
from shopctl.catalogue.wording.reading import Reading
from shopctl.storage.unit import Unit

ENOUGH = 10  # hits with every word; when there are fewer, those with any word follow them
_MOST_LEFT_OUT = 8  # words of a question that are left out one by one

Read = Callable[[Index, str, bool], Reading]


class Asked(NamedTuple):
    """A question with what the database decides of it, and which part of the answer is wanted."""

    question: Question
    choice: Choice
    terms: Terms
    sort: str
    limit: int
    offset: int
    columns: Sequence[tuple[Keyword, str]] = ()  # whose values are counted
    most: int = 0  # of each


class Page(NamedTuple):
    """Hits as (id, score), and what was done to find them.

    `matches` are the ids of all that match, where the index alone could not tell; `counts` waits for those of the
    columns; `corrected` is the text with its spelling put right; `left_out` are words that no hit needs to have, since
    nothing has them with all the others.
    """

    total: int
    hits: Sequence[tuple[int, float]]
    matches: Collection[int] | None
    question: Question
    counts: Callable[[], Counts]
    corrected: str | None = None
    left_out: tuple[str, ...] = ()


def page(unit: Unit, standing: Standing, asked: Asked, read: Read) -> Page:
    """The page that was asked for, and how many match in all."""
    index, text = standing.index, asked.question.text
    if not text.strip():
        return _found(unit, standing, asked, asked.question)
    reading = read(index, text, False)
    question = asked.question._replace(places=reading.places)
    found = _found(unit, standing, asked, question)._replace(corrected=reading.corrected)
    if found.total >= ENOUGH or _is_sku(index, text):
        return found
    if not found.total:
        bold = read(index, text, True)
        if bold.corrected != reading.corrected:
            again = _found(unit, standing, asked, question._replace(places=bold.places))
            if again.total:
                return again._replace(corrected=bold.corrected)
    if len(reading.places) < 2:
        return found
    return _relaxed(unit, standing, asked, question, reading, nothing=not found.total)


def _relaxed(
    unit: Unit, standing: Standing, asked: Asked, question: Question, reading: Reading, *, nothing: bool
) -> Page:
    """With any of the words. Where nothing has every word, those that stand in the way are named."""
    any_word = question._replace(every_word=False)
    left_out: tuple[str, ...] = ()
    if nothing:
        left_out = reading.unknown or _in_the_way(standing.index, question, reading)
        places = tuple(
            place._replace(required=place.required and typed not in left_out)
            for place, typed in zip(reading.places, reading.typed, strict=True)
        )
        any_word = any_word._replace(places=places)
    found = _found(unit, standing, asked, any_word)
    return found._replace(corrected=reading.corrected, left_out=left_out if found.total else ())


def _in_the_way(index: Index, question: Question, reading: Reading) -> tuple[str, ...]:
    """The one word without which the best hit is the best; none when every two of them would have to go."""
    best: tuple[float, str] | None = None
    if len(reading.places) <= _MOST_LEFT_OUT:
        for number, typed in enumerate(reading.typed):
            rest = reading.places[:number] + reading.places[number + 1 :]
            for _, score in index.find(question._replace(places=rest), 1).hits:
                if best is None or score > best[0]:
                    best = score, typed
    return (best[1],) if best else ()


def _by_sku(unit: Unit, hits: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Equally good hits, which stand side by side, in the order of their SKUs."""
    equal = {score for (_, score), (_, next_score) in pairwise(hits) if score == next_score}
    if not equal:
        return hits
    skus = queries.skus_of(unit, [number for number, score in hits if score in equal])
    return sorted(hits, key=lambda hit: (-hit[1], skus.get(hit[0], "")))


def _is_sku(index: Index, text: str) -> bool:
    # Who gives a SKU wants that product and not those that share a part of its name.
    return bool(index.find(Question("", (Filter("sku", text.strip()),)), 1).total)


def _found(unit: Unit, standing: Standing, asked: Asked, question: Question) -> Page:
    first, last = asked.offset, asked.offset + asked.limit
    if not standing.lag:
        # The index holds every change this snapshot shows: the prices of each product, and when each is visible.
        question = question._replace(priced=asked.choice.priced(asked.terms.currency))
        if asked.sort == "relevance" and all(condition.field == "price" for condition in asked.choice.conditions):
            sure = _sure(unit, standing.index, asked, question)
            counts = _counting(standing.index, sure, asked)
            found = standing.index.find(sure, last)
            hits = (_by_sku(unit, found.hits) if question.text.strip() else found.hits)[first:last]
            if question.priced is None or len(_chosen(unit, asked, hits)) == len(hits):
                return Page(found.total, hits, None, sure, counts)
            # It is not what the database says: then that alone decides.
            question = question._replace(priced=None)
    every = standing.index.every(question)
    hits = _chosen(unit, asked, every)
    matches = None if len(hits) == len(every) else {number for number, _ in hits}
    counts = _counting(standing.index, question, asked, matches)
    return Page(len(hits), hits[first:last], matches, question, counts)


def _counting(
    index: Index, question: Question, asked: Asked, within: Collection[int] | None = None
) -> Callable[[], Counts]:
    if not asked.columns:
        return list
    if within is None:
        return index.counting(question, asked.columns, asked.most)
    return lambda: index.count(question, asked.columns, asked.most, within=within)


def _sure(unit: Unit, index: Index, asked: Asked, question: Question) -> Question:
    """The question without those whose price at this moment is another than at the moments that fit."""
    if question.priced is None or not index.varies(asked.terms.currency):
        return question
    varying = index.every(question._replace(priced=question.priced._replace(varying=True)))
    fitting = {number for number, _ in _chosen(unit, asked, varying)} if varying else ()
    return question._replace(without=tuple(number for number, _ in varying if number not in fitting))


def _chosen(unit: Unit, asked: Asked, hits: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    return chosen(unit, hits, asked.choice, asked.sort, asked.terms)
