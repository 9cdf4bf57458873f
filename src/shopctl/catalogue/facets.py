"""Counts over all that match: the values of a field, or how many fall into ranges of a number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, NamedTuple

from shopctl.catalogue import candidates
from shopctl.catalogue.candidates import Terms
from shopctl.catalogue.engines.errors import BadRange, UnknownSearchField
from shopctl.catalogue.finding import Page
from shopctl.catalogue.ports import Index, Keyword
from shopctl.catalogue.where import FIELDS, KEYWORDS, NUMBERS
from shopctl.kernel import money
from shopctl.storage.unit import Unit

COUNTED = (*(name for name in FIELDS if name in KEYWORDS and name != "sku"), *NUMBERS)
_MOST_VALUES = 100  # shown of a facet
_MOST_NUMBERS = 1000  # different ones that are counted by ranges
_AUTOMATIC = 5  # ranges of a number whose bounds nobody gave
_RANGE = re.compile(r"\s*([0-9]{1,15}(?:\.[0-9]{1,8})?)?\s*-\s*([0-9]{1,15}(?:\.[0-9]{1,8})?)?\s*")
_STEPS = (Decimal(1), Decimal(2), Decimal(5))  # of round numbers, in each power of ten


class Range(NamedTuple):
    """Numbers from `low` on and below `high`; None: without end on this side."""

    low: Decimal | None
    high: Decimal | None

    @property
    def text(self) -> str:
        """As it is written and shown: `10-50`, `100-`."""
        return "-".join("" if bound is None else f"{bound:f}" for bound in self)

    def holds(self, number: Decimal) -> bool:
        """Whether a number lies in it."""
        return (self.low is None or self.low <= number) and (self.high is None or number < self.high)


class Facet(NamedTuple):
    """What is counted: `name` as it was asked for, `key` that of an option or attribute."""

    name: str
    field: str  # price, stock, or a keyword of the index
    key: str = ""
    ranges: tuple[Range, ...] = ()
    guessed: bool = False  # a bare name, taken for an option or attribute


@lru_cache(maxsize=200)
def parsed(text: str) -> Facet:
    """A facet from its text: `brand`, `attributes.color`, `price:0-50,50-`. Raises UnknownSearchField, BadRange."""
    name, colon, bounds = text.partition(":")
    lower = name.lower()
    ranges = _ranges(text, bounds) if colon else ()
    if lower in NUMBERS:
        return Facet(text, lower, ranges=ranges)
    if lower in KEYWORDS and lower != "sku":
        if ranges:
            raise BadRange(text=text[:200], reason=f"{lower} is no number")
        return Facet(text, KEYWORDS[lower])
    if lower in ("status", "sku", ""):
        raise UnknownSearchField(field=name, purpose="count", known=", ".join(COUNTED), suggestion="")
    for prefix in ("attributes.", "options."):
        if lower.startswith(prefix):
            return Facet(text, "fact", name[len(prefix) :], ranges)
    return Facet(text, "fact", name, ranges, guessed=True)


def columns_of(wanted: Sequence[Facet]) -> tuple[dict[str, tuple[Keyword, str]], int]:
    """What the index counts of these facets: by name the field with the key of a fact, and so many values of each."""
    columns = {
        facet.name: (KEYWORDS.get(facet.field, "fact"), facet.key) for facet in wanted if facet.field not in NUMBERS
    }
    return columns, _MOST_NUMBERS if any(facet.ranges for facet in wanted) else _MOST_VALUES


def counts(
    unit: Unit, index: Index, page: Page, wanted: Sequence[Facet], terms: Terms
) -> dict[str, list[dict[str, Any]]]:
    """By name, [{"value","count"}]: values by how frequent they are, ranges in their order, empty ones too.

    Those of all that match, of which `page` is one. Prices and stock come from the database.
    """
    if not wanted:
        return {}
    found = dict(zip(columns_of(wanted)[0], page.counts(), strict=True))
    shown: dict[str, list[dict[str, Any]]] = {}
    for facet in wanted:
        if facet.field in NUMBERS:
            ids = [number for number, _ in index.every(page.question)] if page.matches is None else list(page.matches)
            amounts = candidates.amounts(unit, ids, facet.field, terms)
            exponent = money.exponent_of(terms.currency) if facet.field == "price" else 0
            shown[facet.name] = _by_range([(Decimal(amount).scaleb(-exponent), 1) for amount in amounts], facet.ranges)
        elif facet.ranges:
            numbers = [(_number(value), count) for value, count in found[facet.name]]
            shown[facet.name] = _by_range([(one, count) for one, count in numbers if one is not None], facet.ranges)
        else:
            shown[facet.name] = [{"value": value, "count": count} for value, count in found[facet.name][:_MOST_VALUES]]
    return shown


def automatic(numbers: Sequence[Decimal]) -> tuple[Range, ...]:
    """Round ranges that hold about as many of these numbers each, the first and the last without end."""
    if not numbers:
        return ()
    ordered = sorted(numbers)
    bounds: list[Decimal] = []
    for part in range(1, _AUTOMATIC):
        bound = _rounded(ordered[len(ordered) * part // _AUTOMATIC])
        if ordered[0] < bound <= ordered[-1] and bound not in bounds:
            bounds.append(bound)
    bounds.sort()
    return tuple(Range(low, high) for low, high in zip([None, *bounds], [*bounds, None], strict=True))


def _by_range(numbers: Sequence[tuple[Decimal, int]], ranges: tuple[Range, ...]) -> list[dict[str, Any]]:
    chosen = ranges or automatic([number for number, _ in numbers])
    return [{"value": one.text, "count": _sum(numbers, one)} for one in chosen]


def _sum(numbers: Iterable[tuple[Decimal, int]], one: Range) -> int:
    return sum(count for number, count in numbers if one.holds(number))


def _ranges(text: str, bounds: str) -> tuple[Range, ...]:
    found = []
    for part in bounds.split(","):
        match = _RANGE.fullmatch(part)
        if match is None or not (match[1] or match[2]):
            raise BadRange(text=text[:200], reason=f"{part[:40]!r} is no range")
        low, high = (None if bound is None else Decimal(bound) for bound in match.groups())
        if low is not None and high is not None and low >= high:
            raise BadRange(text=text[:200], reason=f"{part[:40]!r} holds nothing")
        found.append(Range(low, high))
    if len(found) > _MOST_VALUES:
        raise BadRange(text=text[:100], reason=f"it has more than {_MOST_VALUES} ranges")
    return tuple(found)


def _rounded(number: Decimal) -> Decimal:
    if number <= 0:
        return Decimal(0)
    power = Decimal(1).scaleb(number.adjusted())
    return max(step * power for step in _STEPS if step * power <= number)


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
