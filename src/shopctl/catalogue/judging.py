"""How good a ranking is by people's judgments: the measures, and the file the judgments come in. No I/O but that file.

Discounted gain after Järvelin and Kekäläinen (2002) with the exponential gain of Burges et al. (2005).
"""

from __future__ import annotations

import csv
import random
from collections.abc import Mapping, Sequence
from math import log2
from pathlib import Path
from typing import IO, NamedTuple

from shopctl.catalogue.errors import BadJudgments

TOP = 10  # hits that count
MOST = 10  # the highest rating; the gain doubles with each step
_COLUMNS = ("query", "sku", "rating")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_LONG = 5  # letters of a word that is mistyped

Judgments = dict[str, dict[str, float]]
"""By query: the rating of each product that somebody judged for it, by SKU."""


class Score(NamedTuple):
    """One query's measures, each from 0 to 1: `judged` is its NDCG over judged hits alone."""

    query: str
    ndcg: float
    judged: float
    reciprocal_rank: float
    found: int


def read(source: str) -> Judgments:
    """Judgments from a CSV file with the columns query, sku and rating (0 to 10); `-` is standard input.

    Raises BadJudgments naming the line.
    """
    if source == "-":
        import sys

        return _read(sys.stdin, "standard input")
    try:
        with Path(source).open(encoding="utf-8-sig", newline="") as file:
            return _read(file, source)
    except OSError as error:
        raise BadJudgments(file=source, reason=error.strerror or str(error)) from None


def _read(file: IO[str], name: str) -> Judgments:
    found: Judgments = {}
    try:
        reader = csv.DictReader(file, strict=True)
        columns = [column.strip().lower() for column in reader.fieldnames or ()]
        reader.fieldnames = columns
        if missing := [column for column in _COLUMNS if column not in columns]:
            raise BadJudgments(file=name, reason=f"it has no column {', '.join(missing)}")
        for row in reader:
            query, sku, text = ((row[column] or "").strip() for column in _COLUMNS)
            if not query or not sku:
                raise BadJudgments(file=name, reason=f"line {reader.line_num} has no query or no SKU")
            try:
                rating = float(text)
            except ValueError:
                rating = -1.0
            if not 0 <= rating <= MOST:
                raise BadJudgments(
                    file=name, reason=f"line {reader.line_num}: {text[:40]!r} is no rating from 0 to {MOST}"
                )
            ratings = found.setdefault(query, {})
            if ratings.setdefault(sku, rating) != rating:
                raise BadJudgments(
                    file=name, reason=f"line {reader.line_num} rates {sku[:40]!r} for {query[:40]!r} a second time"
                )
    except (csv.Error, UnicodeDecodeError) as error:
        raise BadJudgments(file=name, reason=str(error)) from None
    if not any(rating > 0 for ratings in found.values() for rating in ratings.values()):
        raise BadJudgments(file=name, reason="no query has a product that suits it")
    return found


def score(query: str, ranked: Sequence[str], ratings: Mapping[str, float], found: int) -> Score:
    """The measures of one ranking, SKUs best first. Unjudged hits count as unfit, and not at all for `judged`."""
    judged = [sku for sku in ranked if sku in ratings]
    best = _gain(sorted(ratings.values(), reverse=True))
    place = next((place for place, sku in enumerate(ranked[:TOP], 1) if ratings.get(sku, 0) > 0), 0)
    return Score(
        query,
        _gain([ratings.get(sku, 0.0) for sku in ranked]) / best,
        _gain([ratings[sku] for sku in judged]) / best,
        1 / place if place else 0.0,
        found,
    )


def mistyped(query: str, seed: int) -> str:
    """The query with one typo in its longest word of five letters or more; as it is when it has none.

    Two letters swapped, one dropped, added or changed, and never the first: the same for the same seed.
    """
    words = query.split(" ")
    place = max(range(len(words)), key=lambda number: len(words[number]))
    word = words[place]
    if len(word) < _LONG:
        return query
    dice = random.Random(f"{seed}:{query}")  # noqa: S311  mistakes need no secrecy
    typo = word
    while typo == word:
        at = dice.randrange(1, len(word))
        way = dice.choice(("swap", "drop", "add", "change"))
        if way == "swap":
            at = min(at, len(word) - 2)
            typo = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        else:
            letter = "" if way == "drop" else dice.choice(_LETTERS)
            typo = word[:at] + letter + word[at if way == "add" else at + 1 :]
    words[place] = typo
    return " ".join(words)


def _gain(ratings: Sequence[float]) -> float:
    return sum((2**rating - 1) / log2(place + 1) for place, rating in enumerate(ratings[:TOP], 1))
