"""Reads products with their prices and their stock, one by one, by the hundred, or all of them as a stream."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from shopctl.catalogue.model import Price, Product, StockLevel
from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit, json_array

COLUMNS = (
    "id", "sku", "parent_sku", "kind", "status", "name", "description", "brand", "category", "categories", "tax_class",
    "options", "attributes", "tags", "media", "components", "publish_at", "retire_at", "version", "created_at",
    "updated_at",
)  # fmt: skip
JSON_COLUMNS = ("categories", "options", "attributes", "tags", "media", "components")

_JSON_PLACES = frozenset(COLUMNS.index(name) for name in JSON_COLUMNS)
_EMPTY = {"[]": list, "{}": dict}
_PRICE = "product_id, currency, amount, list, min_quantity, valid_from, valid_until"
_PRICE_ORDER = "product_id, currency, list, min_quantity, valid_from"


def by_skus(unit: Unit, skus: Sequence[str], *, now: Instant, lock: bool = False) -> dict[str, Product]:
    """Products by SKU; those that are not there are missing. `lock` keeps other writers off until the unit ends."""
    found = _products(
        unit,
        f"sku in (select each.value ->> 0 from {unit.each('skus')})",
        f"order by id {unit.for_update if lock else ''}",
        skus=json_array(skus),
    )
    return {product.sku: product for product in completed(unit, found, now=now)}


def by_ids(unit: Unit, ids: Iterable[int], *, now: Instant, lock: bool = False) -> dict[int, Product]:
    """Products by their inner number; those that are not there are missing. `lock` as in `by_skus`."""
    found = _products(
        unit,
        f"id in (select cast(each.value ->> 0 as bigint) from {unit.each('ids')})",
        f"order by id {unit.for_update if lock else ''}",
        ids=json_array(ids),
    )
    return {product.id: product for product in completed(unit, found, now=now)}


def skus_of(unit: Unit, ids: Iterable[int]) -> dict[int, str]:
    """SKUs by the inner number of their products."""
    where = f"id in (select cast(each.value as bigint) from {unit.each('ids')})"
    return dict(unit.tuples(f"select id, sku from product where {where}", ids=json.dumps(list(ids))))


def numbers_of(unit: Unit, skus: Iterable[str]) -> dict[int, str]:
    """The same for products given by their SKUs; those that are not there are missing."""
    where = f"sku in (select each.value ->> 0 from {unit.each('skus')})"
    return dict(unit.tuples(f"select id, sku from product where {where}", skus=json_array(skus)))


def variants(unit: Unit, parent_sku: str, *, now: Instant) -> list[Product]:
    """The variants of a product, by SKU."""
    found = _products(unit, "parent_sku = :parent and parent_sku <> ''", "order by sku", parent=parent_sku)
    return completed(unit, found, now=now)


def number_of(unit: Unit, sku: str) -> int | None:
    """The inner number of a product; None when it is not there."""
    found: int | None = unit.value("select id from product where sku = :sku", sku=sku)
    return found


def skus_starting_with(unit: Unit, prefix: str, limit: int) -> list[str]:
    """SKUs that begin with a text, in order."""
    rows = unit.tuples(
        "select sku from product where substr(sku, 1, :length) = :prefix order by sku limit :limit",
        length=len(prefix), prefix=prefix, limit=limit,
    )  # fmt: skip
    return [sku for (sku,) in rows]


def prices_of(unit: Unit, ids: Iterable[int]) -> dict[int, tuple[Price, ...]]:
    """Prices by product, in the order of their keys."""
    found: dict[int, list[Price]] = {}
    for row in unit.tuples(
        f"""select {_PRICE} from price
             where product_id in (select cast(each.value as bigint) from {unit.each("ids")})
             order by {_PRICE_ORDER}""",
        ids=json.dumps(list(ids)),
    ):
        found.setdefault(row[0], []).append(Price._make(row[1:]))
    return {number: tuple(prices) for number, prices in found.items()}


def stock_of(unit: Unit, ids: Iterable[int], *, now: Instant) -> dict[int, tuple[StockLevel, ...]]:
    """Stock by product, by location; a reservation counts while it is held and its moment has not come."""
    found: dict[int, list[StockLevel]] = {}
    for row in unit.tuples(
        f"""{_STOCK} where s.product_id in (select cast(each.value ->> 0 as bigint) from {unit.each("ids")})
            {_BY_LOCATION}""",
        ids=json_array(ids),
        now=now,
    ):
        found.setdefault(row[0], []).append(StockLevel._make(row[1:]))
    return {number: tuple(levels) for number, levels in found.items()}


# `on_hand` is one value a group, its maximum is that value: PostgreSQL knows no key of a left join's group.
_STOCK = """select s.product_id, s.location, max(s.on_hand), cast(coalesce(sum(r.quantity), 0) as bigint)
              from stock s
              left join reservation r on r.product_id = s.product_id and r.location = s.location
                                     and r.state = 'held' and r.expires_at > :now"""
_BY_LOCATION = "group by s.product_id, s.location order by s.product_id, s.location"


def product_of(row: Sequence[Any], prices: Iterable[Price] = (), stock: Iterable[StockLevel] = ()) -> Product:
    """A row in the order of `COLUMNS` as a product."""
    values = [
        (_EMPTY[value]() if value in _EMPTY else json.loads(value)) if place in _JSON_PLACES else value
        for place, value in enumerate(row)
    ]
    return Product._make((*values, tuple(prices), tuple(stock)))


def _products(unit: Unit, where: str, order: str, **params: object) -> list[Product]:
    rows = unit.tuples(f"select {', '.join(COLUMNS)} from product where {where} {order}", **params)
    return [product_of(row) for row in rows]


def completed(unit: Unit, products: list[Product], *, now: Instant) -> list[Product]:
    """The products with their prices and their stock."""
    if not products:
        return []
    ids = [product.id for product in products]
    prices, stock = prices_of(unit, ids), stock_of(unit, ids, now=now)
    return [
        product._replace(prices=prices.get(product.id, ()), stock=stock.get(product.id, ())) for product in products
    ]
