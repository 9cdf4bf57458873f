"""What a feed row does to the shop: the rule that compares the two, without any I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shopctl.catalogue.feed.row import (
    ATTRIBUTES,
    DEFAULTS,
    EXTRA,
    HASH,
    LINE,
    NAME,
    PRICES,
    PRICES_WHOLE,
    RETIRE_AT,
    SKU,
    STATUS,
    STOCK,
    FeedRow,
    canonical,
)
from shopctl.catalogue.importing.current import COLUMNS, Current, PriceKey, PriceValue

_ATTRIBUTES = ATTRIBUTES - SKU


@dataclass(slots=True)
class Outcome:
    """The state a row leads to, and what of the present state it replaces (nothing for a creation)."""

    line: int
    sku: str
    hash: int
    current: Current | None
    values: tuple[Any, ...]  # in the order of COLUMNS
    prices: dict[PriceKey, PriceValue]
    stock: dict[str, int]  # locations whose stock is to be set
    fed_stock: dict[str, int]
    replaced: dict[str, Any] = field(default_factory=dict)  # column: previous value; `prices` whole

    @property
    def changed(self) -> bool:
        """Whether anything a customer or keeper can see becomes different."""
        return self.current is None or bool(self.replaced) or bool(self.stock)


def outcome(row: FeedRow, current: Current | None) -> Outcome:
    """Compare a row with what the shop holds.

    A field the feed does not give stays; a product that was retired for being gone from the feed is back. Stock is
    applied only where it differs from what this feed said before, so that reading a feed again does not undo the sales
    since.
    """
    values = _values(row, current)
    prices = _prices(row, current)
    given = {} if row[STOCK] is ... else dict(row[STOCK])
    if current is None:
        return Outcome(row[LINE], row[SKU], row[HASH], None, values, prices, given, given)
    stock = {
        location: quantity
        for location, quantity in given.items()
        if current.fed_stock.get(location) != quantity and current.stock.get(location) != quantity
    }
    replaced: dict[str, Any] = {
        name: before for name, before, after in zip(COLUMNS, current.values, values, strict=True) if before != after
    }
    if prices != current.prices:
        replaced["prices"] = current.prices
    fed_stock = {**current.fed_stock, **given}
    return Outcome(row[LINE], row[SKU], row[HASH], current, values, prices, stock, fed_stock, replaced)


def creation_values(row: FeedRow) -> tuple[Any, ...]:
    """The product columns of a row whose product does not exist yet; one without a name is called by its SKU."""
    values = row[SKU : RETIRE_AT + 1]
    if row[NAME] is ...:
        values = (*values[: NAME - SKU], row[SKU], *values[NAME - SKU + 1 :])
    if ... in values:
        values = tuple(
            default if value is ... else value
            for value, default in zip(values, DEFAULTS[SKU : RETIRE_AT + 1], strict=True)
        )
    extra = row[EXTRA]
    if extra is ... or extra == "{}":
        return values
    # The usual case, unknown columns alone, needs no merging unless one of them is to be removed.
    if values[_ATTRIBUTES] != "{}" or "null" in extra:
        extra = with_extra(values[_ATTRIBUTES], extra)
    return (*values[:_ATTRIBUTES], extra, *values[_ATTRIBUTES + 1 :])


def with_extra(attributes: str, extra: str) -> str:
    """Attributes (canonical JSON) with single keys set, or removed where they are null."""
    merged = {**json.loads(attributes), **json.loads(extra)}
    return canonical({key: value for key, value in merged.items() if value is not None})


def _values(row: FeedRow, current: Current | None) -> tuple[Any, ...]:
    if current is None:
        return creation_values(row)
    values = tuple(
        before if value is ... else value
        for value, before in zip(row[SKU : RETIRE_AT + 1], current.values, strict=True)
    )
    if row[STATUS] is ... and current.status_before is not None:
        values = (*values[: STATUS - SKU], current.status_before, *values[STATUS - SKU + 1 :])
    if row[EXTRA] is ... or row[EXTRA] in ("{}", values[_ATTRIBUTES]):
        return values
    return (*values[:_ATTRIBUTES], with_extra(values[_ATTRIBUTES], row[EXTRA]), *values[_ATTRIBUTES + 1 :])


def _prices(row: FeedRow, current: Current | None) -> dict[PriceKey, PriceValue]:
    before: Mapping[PriceKey, PriceValue] = current.prices if current else {}
    if row[PRICES] is ...:
        return dict(before)
    given = {
        (currency, price_list, quantity, since): (amount, until)
        for currency, amount, price_list, quantity, since, until in row[PRICES]
    }
    wanted = given if row[PRICES_WHOLE] is True else {**before, **given}
    return {key: (amount, until) for key, (amount, until) in wanted.items() if amount is not None}
