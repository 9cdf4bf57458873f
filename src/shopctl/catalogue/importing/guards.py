"""Guards: bounds on what an import may do, measured over its whole stage before any of it is merged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from shopctl.catalogue.feed.row import FeedRow
from shopctl.catalogue.importing import journal as journals
from shopctl.catalogue.importing.errors import BadGuard
from shopctl.catalogue.importing.journal import Journal
from shopctl.catalogue.importing.measures import (
    COUNTED,
    PRICES,
    SHOWN,
    CountMeasure,
    PriceMeasure,
    Worst,
    number,
    percent,
)
from shopctl.catalogue.importing.outcome import Outcome
from shopctl.catalogue.importing.prune import Missing, feed_size
from shopctl.storage.unit import Unit

_RULE = re.compile(r"\s*([a-z][a-z-]*)\s*<=\s*(\d{1,12}(?:\.\d{1,6})?)\s*(%?)\s*", re.ASCII)
NAMES = (*PRICES, *COUNTED)
EXAMPLES = "price-drop<=30%, price-rise<=50%, retired<=5%, created<=1000, updated<=20%, rejected<=1%"


class Guard(NamedTuple):
    """A bound: at most `limit`, of products or rows, or of percent."""

    name: str
    limit: Fraction
    percent: bool

    @property
    def rule(self) -> str:
        """The guard as it is written."""
        return f"{self.name}<={number(self.limit)}{'%' if self.percent else ''}"


class Result(NamedTuple):
    """What a guard found: the figure, how many products (rows) break it or are counted, and the worst of them."""

    guard: Guard
    broken: bool
    measured: str
    concerned: int
    worst: list[Worst]

    def as_dict(self) -> dict[str, Any]:
        """The result as scripts read it."""
        return {
            "rule": self.guard.rule,
            "broken": self.broken,
            "measured": self.measured,
            "count": self.concerned,
            "worst": [each._asdict() for each in self.worst],
        }


def parsed(text: str) -> Guard:
    """A guard from its rule text. Raises BadGuard naming the rules there are."""
    found = _RULE.fullmatch(text)
    if found is None or found[1] not in NAMES:
        raise BadGuard(text=text, reason=f"It is one of {', '.join(NAMES)}, then <= and a number", examples=EXAMPLES)
    if found[1] in PRICES and not found[3]:
        raise BadGuard(text=text, reason=f"{found[1]} is bounded in percent", examples=EXAMPLES)
    return Guard(found[1], Fraction(found[2]), bool(found[3]))


def combined(configured: Iterable[str], given: Iterable[str]) -> list[Guard]:
    """The guards that hold: a given one takes the place of configured ones of the same name. Raises BadGuard."""
    own = [parsed(text) for text in given]
    names = {guard.name for guard in own}
    found = [guard for guard in map(parsed, configured) if guard.name not in names] + own
    return list(dict.fromkeys(found))


class Guards:
    """Watches a survey of the stage and judges at its end."""

    def __init__(self, guards: Sequence[Guard]) -> None:
        self._prices = [(guard, PriceMeasure(guard.name, guard.limit)) for guard in guards if guard.name in PRICES]
        self._counts = [(guard, CountMeasure(guard.name)) for guard in guards if guard.name in COUNTED]
        self._order = list(guards)

    def row(self, row: FeedRow, found: Outcome) -> None:
        """Take note of what a row does."""
        for _, prices in self._prices:
            prices.row(found)
        for _, count in self._counts:
            count.row(found)

    def gone(self, product: Missing) -> None:
        """Take note of a product that is to be retired for being gone from the feed."""
        for _, count in self._counts:
            count.gone(product.sku, product.status)

    def judged(self, unit: Unit, journal: Journal) -> list[Result]:
        """What each guard found, in their order, once the survey is over."""
        found = {guard: _of_prices(guard, measure) for guard, measure in self._prices}
        counts = journal.counts
        for guard, measure in self._counts:
            if guard.name == "rejected":
                measure.count = counts.rejected
                first = journals.rejects(unit, journal.id, limit=SHOWN)
                measure.worst = [Worst(each.sku or f"line {each.line}", "", "", each.message) for each in first]
                found[guard] = _of_counts(guard, measure, counts.rows)
            else:
                found[guard] = _of_counts(guard, measure, feed_size(unit, journal))
        return [found[guard] for guard in self._order]


def _of_prices(guard: Guard, measure: PriceMeasure) -> Result:
    return Result(guard, measure.count > 0, f"{percent(measure.largest)} %", measure.count, measure.offenders())


def _of_counts(guard: Guard, measure: CountMeasure, base: int) -> Result:
    count = measure.count
    if not guard.percent:
        broken, measured = count > guard.limit, f"{count:,}"
    elif base:
        share = Fraction(100 * count, base)
        broken, measured = share > guard.limit, f"{percent(share)} % ({count:,} of {base:,})"
    else:  # a feed that is new has brought nothing that this could be a share of
        broken, measured = False, f"{count:,} of none"
    return Result(guard, broken, measured, count, measure.worst if broken else [])
