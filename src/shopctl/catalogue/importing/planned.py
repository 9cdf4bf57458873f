"""A planned row: a feed row with what it was compared with, and the rule by which it is carried out or refused."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from shopctl.catalogue.feed.row import FIELDS, SKU, FeedRow
from shopctl.catalogue.importing.current import Current
from shopctl.catalogue.importing.outcome import Outcome, outcome

BASE = len(FIELDS)  # the place of the base, behind the fields of a feed row


class Base(NamedTuple):
    """What a row was compared with when it was planned, and what it was to do."""

    id: int | None  # None: there was no such product
    version: int | None
    fed_stock: dict[str, int]  # what the feed had said before
    stock: dict[str, int]  # by location, what the stock is to be set to
    changes: bool

    @classmethod
    def of(cls, found: Outcome) -> Base:
        """The base of a row just compared."""
        current = found.current
        if current is None:
            return cls(None, None, {}, found.stock, True)
        return cls(current.id, current.version, current.fed_stock, found.stock, found.changed)


class Differs(Exception):
    """A product is not what it was when the plan was made; `base` and `current` say how."""

    def __init__(self, sku: str, base: Base, current: Current | None) -> None:
        super().__init__(sku)
        self.sku = sku
        self.base = base
        self.current = current


def with_base(row: FeedRow, base: Base) -> FeedRow:
    """A row as it is staged for carrying out a plan."""
    return (*row, tuple(base))


def carried_out(row: FeedRow, current: Current | None) -> Outcome | None:
    """What a planned row does: what was planned, or nothing where it was to change nothing and is out of date.

    Stock is set where that was planned, whatever was sold meanwhile, and nowhere else. Raises Differs.
    """
    base = Base._make(row[BASE])
    if (current and (current.id, current.version, current.fed_stock)) != (base.id and base[:3]):
        if base.changes:
            raise Differs(row[SKU], base, current)
        return None
    found = outcome(row[:BASE], current)
    if current is None:
        return found
    stock = {location: count for location, count in base.stock.items() if current.stock.get(location) != count}
    return replace(found, stock=stock)
