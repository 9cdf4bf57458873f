"""What only the database knows of hits: status, price, stock and numbers of this moment, for choosing and sorting."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from shopctl.catalogue import queries
from shopctl.catalogue.listing import STATUS_AT
from shopctl.catalogue.model import DEFAULT_LIST, Price
from shopctl.catalogue.ports import Priced
from shopctl.catalogue.where import Condition, minor_units, ranges
from shopctl.kernel import money
from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit

_BATCH = 5000

_Rows = Iterator[tuple[Any, ...]]

# The rule of `model.effective_price` for one piece: tiers begin at one, so the lowest valid price is the one to pay.
_PRICE = f"""(select min(price.amount) from price
               where price.product_id = product.id and price.currency = :currency and price.list = '{DEFAULT_LIST}'
                 and price.min_quantity <= 1 and price.valid_from <= :now
                 and (price.valid_until is null or price.valid_until > :now))"""
# The rule of `model.StockLevel.available`, over all locations.
_STOCK = """(select cast(coalesce(sum(case when level.on_hand > level.held
                                           then level.on_hand - level.held else 0 end), 0) as bigint)
               from (select stock.on_hand,
                            (select coalesce(sum(reservation.quantity), 0) from reservation
                              where reservation.product_id = stock.product_id and reservation.location = stock.location
                                and reservation.state = 'held' and reservation.expires_at > :now) as held
                       from stock where stock.product_id = product.id) as level)"""

SORTS = ("relevance", "price", "-price", "name", "-name", "newest", "oldest")
_SORT_VALUES = {"price": _PRICE, "name": "name", "newest": "created_at", "oldest": "created_at"}


class Terms(NamedTuple):
    """What a price is asked for: the currency and the moment."""

    currency: str
    now: Instant


class Choice(NamedTuple):
    """Conditions the database decides. `status` is the one that holds at the moment, None for any."""

    status: str | None
    conditions: Sequence[Condition]

    @property
    def numbers(self) -> list[Condition]:
        """Conditions on numbers among options and attributes."""
        return [condition for condition in self.conditions if condition.field == "fact"]

    def priced(self, currency: str) -> Priced | None:
        """What the conditions on the price ask of an index; None without any."""
        exponent = money.exponent_of(currency)
        found = tuple(ranges(condition, exponent) for condition in self.conditions if condition.field == "price")
        return Priced(currency, found) if found else None


def chosen(
    unit: Unit, hits: Sequence[tuple[int, float]], choice: Choice, sort: str, terms: Terms
) -> list[tuple[int, float]]:
    """Those hits that are there and fulfil the conditions, sorted; equal ones by SKU.

    `sort` is one of `SORTS`; products without a price come last. Read some thousands at a time.
    """
    scores = dict(hits)
    clauses, params = _clauses(choice, terms)
    column = sort.removeprefix("-")
    columns = f"id, sku, {_SORT_VALUES.get(column, 'null')}" + (", options, attributes" if choice.numbers else "")
    rows = [
        row for row in _rows(unit, list(scores), columns, clauses, params) if _numbers_hold(choice.numbers, row[3:])
    ]
    rows.sort(key=lambda row: row[1])
    rows.sort(key=_sort_key(sort, scores), reverse=sort in ("-price", "-name", "newest"))
    if column == "price":
        rows.sort(key=lambda row: row[2] is None)
    return [(row[0], scores[row[0]]) for row in rows]


class Shown(NamedTuple):
    """What a hit shows of a product; `stock` is what is available over all locations."""

    sku: str
    name: str
    brand: str
    category: str
    stock: int
    prices: tuple[Price, ...]


def shown(unit: Unit, ids: list[int], terms: Terms) -> dict[int, Shown]:
    """Products by their numbers; those that are not there are missing."""
    if not ids:
        return {}
    rows = _rows(unit, ids.copy(), f"id, sku, name, brand, category, {_STOCK}", (), {"now": terms.now})
    prices = queries.prices_of(unit, ids)
    return {number: Shown._make((*row, prices.get(number, ()))) for number, *row in rows}


def amounts(unit: Unit, ids: Collection[int], field: str, terms: Terms) -> list[int]:
    """The price in minor units, or the stock, of each of these products that has one, in no order."""
    column = _PRICE if field == "price" else _STOCK
    rows = _rows(unit, list(ids), f"id, {column}", (), {**terms._asdict()})
    return [amount for _, amount in rows if amount is not None]


def _rows(unit: Unit, ids: list[int], columns: str, clauses: Sequence[str], params: dict[str, object]) -> _Rows:
    # In rising order neighbours lie on the same pages.
    ids.sort()
    where = " and ".join([f"id in (select cast(each.value as bigint) from {unit.each('ids')})", *clauses])
    sql = f"select {columns} from product where {where}"
    for start in range(0, len(ids), _BATCH):
        yield from unit.tuples(sql, ids=json.dumps(ids[start : start + _BATCH]), **params)


def _clauses(choice: Choice, terms: Terms) -> tuple[list[str], dict[str, object]]:
    clauses: list[str] = []
    params: dict[str, object] = {**terms._asdict()}
    if choice.status is not None:
        clauses.append(f"{STATUS_AT} = '{choice.status}'")
    for condition in choice.conditions:
        if condition.field == "fact":
            continue
        if condition.field == "status":
            clauses.append(f"{STATUS_AT} {condition.operator} '{condition.value}'")
            continue
        amount = _PRICE if condition.field == "price" else _STOCK
        compared = minor_units(condition, money.exponent_of(terms.currency) if condition.field == "price" else 0)
        if isinstance(compared, bool):
            clauses.append(f"{amount} is not null" if compared else "1 = 0")
        else:
            operator, number = compared
            clauses.append(f"{amount} {operator} {number}")
    return clauses, params


def _sort_key(sort: str, scores: dict[int, float]) -> Callable[[tuple[Any, ...]], Any]:
    if sort == "relevance":
        return lambda row: -scores[row[0]]
    if sort in ("name", "-name"):
        return lambda row: row[2].casefold()
    return lambda row: row[2] or 0


def _numbers_hold(conditions: Collection[Condition], texts: Sequence[str]) -> bool:
    if not conditions:
        return True
    from shopctl.catalogue.documents import facts_of

    facts: dict[str, list[Decimal]] = {}
    for key, value in facts_of(*texts):
        if (number := _number(value)) is not None:
            facts.setdefault(key.casefold(), []).append(number)
    return all(
        any(_COMPARE[one.operator](number, one.number) for number in facts.get(one.key.casefold(), ()))
        for one in conditions
    )


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


_COMPARE: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}
