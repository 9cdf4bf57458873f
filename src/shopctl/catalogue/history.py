"""The past: products as they were at a moment, what changed between two, and the life of one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from shopctl.catalogue import changes, queries, removed
from shopctl.catalogue.changes import Later
from shopctl.catalogue.feed.row import canonical
from shopctl.catalogue.model import Product, StockLevel
from shopctl.catalogue.shapes import flat
from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit, json_array

_BATCH = 500


class Difference(NamedTuple):
    """A field of a product that is not at one moment what it is at another; None where it is not given."""

    sku: str
    change: str  # created | changed | removed
    field: str
    before: Any
    after: Any


def sku_at(unit: Unit, sku: str, product: Product | None, at: Instant) -> Product | None:
    """What had this SKU at a moment that has passed: the product that has it now, or one that was removed since."""
    products = [*([product] if product else []), *removed.at(unit, [sku], at)]
    return next(iter(products_at(unit, products, at).values()), None)


def products_at(unit: Unit, products: Sequence[Product], at: Instant) -> dict[int, Product]:
    """Products as they were at a moment that has passed, by number, with the stock of then; not those created later."""
    ids = [product.id for product in products]
    later, stock = changes.later(unit, ids, at), stock_at(unit, ids, at)
    earlier = ((product, _earlier(product, later.get(product.id, ()))) for product in products)
    # A product that was removed has its stock with it: nothing had moved it.
    return {
        product.id: then._replace(stock=stock.get(product.id, product.stock))
        for product, then in earlier
        if then is not None
    }


def differences(unit: Unit, since: Instant, until: Instant) -> Iterator[Difference]:
    """What is different between two moments, product by product in the order of creation, field by field.

    The status is the one buyers met, which a moment may change without anybody doing anything.
    """
    last = 0
    while ids := changes.changed_between(unit, since, until, after=last, limit=_BATCH):
        products = list(queries.by_ids(unit, ids, now=until).values())
        gone = removed.by_ids(unit, ids)
        before, after = (
            products_at(unit, products + [each.product for each in gone if each.removed_at > moment], moment)
            for moment in (since, until)
        )
        for number in ids:
            yield from compare(as_met(before.get(number), since), as_met(after.get(number), until))
        last = ids[-1]


def as_met(product: Product | None, at: Instant) -> Product | None:
    """A product with the status that buyers met then."""
    return product and product._replace(status=product.status_at(at))


def compare(before: Product | None, after: Product | None) -> Iterator[Difference]:
    """The fields that differ, in the order they are shown. A product that does not exist has none of them."""
    old, new = flat(before) if before else {}, flat(after) if after else {}
    sku = after.sku if after else before.sku if before else ""
    change = "removed" if after is None else "changed" if before else "created"
    for field in dict.fromkeys([*new, *old]):
        one, other = old.get(field), new.get(field)
        if (field in old) is not (field in new) or canonical(one) != canonical(other):
            yield Difference(sku, change, field, one, other)


def stock_at(unit: Unit, ids: Iterable[int], at: Instant) -> dict[int, tuple[StockLevel, ...]]:
    """Stock by product as it was at a moment, by location."""
    found: dict[int, list[StockLevel]] = {}
    for row in unit.tuples(
        f"""{_STOCK} where s.product_id in (select cast(each.value ->> 0 as bigint) from {unit.each("ids")})
            {_STOCK_ORDER}""",
        ids=json_array(ids),
        at=at,
    ):
        found.setdefault(row[0], []).append(StockLevel._make(row[1:]))
    return {number: tuple(levels) for number, levels in found.items()}


# The first count of a product is not a movement: before the first one it is what that one started from. A reservation
# that ended has its end as `expires_at`, however it ended.
_STOCK = """select s.product_id, s.location,
                   coalesce((select m.on_hand from stock_movement m
                              where m.product_id = s.product_id and m.location = s.location and m.at <= :at
                              order by m.id desc limit 1),
                            (select m.on_hand - m.delta from stock_movement m
                              where m.product_id = s.product_id and m.location = s.location
                              order by m.id limit 1),
                            s.on_hand),
                   coalesce(r.quantity, 0)
              from stock s
              left join (select product_id, location, cast(sum(quantity) as bigint) as quantity from reservation
                          where created_at <= :at and expires_at > :at
                          group by product_id, location) r
                     on r.product_id = s.product_id and r.location = s.location"""
_STOCK_ORDER = "order by s.product_id, s.location"


def _earlier(product: Product, later: Iterable[Later]) -> Product | None:
    for change in later:
        then = changes.undone(product, change.previous)
        if then is None:
            return None
        earlier_at = then.created_at if change.earlier_at is None else change.earlier_at
        product = then._replace(version=change.version - 1, updated_at=earlier_at)
    return product
