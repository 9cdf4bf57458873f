"""Products that a rollback took out of the catalogue: out of every list, but not out of its past."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from shopctl.catalogue.feed.row import canonical
from shopctl.catalogue.model import TRACKED, Price, Product, StockLevel
from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit, json_array

_COLUMNS = "id, sku, version, created_at, updated_at, removed_at, document"
# What refers to a product, so that it must go first.
_OF_A_PRODUCT = ("price", "stock", "feed_record")


class Removed(NamedTuple):
    """A product as it was when it was removed, under the version of its removal, and when that was."""

    product: Product
    removed_at: Instant


def remove(unit: Unit, products: Sequence[Product], *, at: Instant) -> list[Removed]:
    """Take products out that nothing else refers to (no reservation, no movement of stock), and keep what they were."""
    gone = [Removed(product._replace(version=product.version + 1), max(at, product.updated_at)) for product in products]
    unit.insert_many(
        "removed_product",
        tuple(_COLUMNS.split(", ")),
        [
            (each.id, each.sku, each.version, each.created_at, each.updated_at, removed_at, _document(each))
            for each, removed_at in gone
        ],
    )
    numbers = json_array(product.id for product in products)
    among = f"in (select cast(each.value ->> 0 as bigint) from {unit.each('ids')})"
    for table in _OF_A_PRODUCT:
        feeds = "feed_id in (select id from feed) and " if table == "feed_record" else ""  # which its key begins with
        unit.execute(f"delete from {table} where {feeds}product_id {among}", ids=numbers)
    unit.execute(f"delete from product where id {among}", ids=numbers)
    return gone


def by_ids(unit: Unit, ids: Iterable[int]) -> list[Removed]:
    """Those of these numbers that were removed."""
    return _found(
        unit,
        f"id in (select cast(each.value ->> 0 as bigint) from {unit.each('ids')}) order by id",
        ids=json_array(ids),
    )


def of_sku(unit: Unit, sku: str) -> list[Removed]:
    """The products that had this SKU and were removed, the latest first."""
    return _found(unit, "sku = :sku order by id desc", sku=sku)


def at(unit: Unit, skus: Iterable[str], moment: Instant) -> list[Product]:
    """Those of these SKUs that were there at a moment, as they were when they were removed later."""
    found = _found(
        unit,
        f"""sku in (select each.value ->> 0 from {unit.each("skus")}) and created_at <= :at and removed_at > :at
            order by id""",
        skus=json_array(skus),
        at=moment,
    )
    return [each.product for each in found]


def _found(unit: Unit, where: str, **params: object) -> list[Removed]:
    rows = unit.tuples(f"select {_COLUMNS} from removed_product where {where}", **params)
    return [_removed(*row) for row in rows]


def _document(product: Product) -> str:
    fields: dict[str, Any] = {name: getattr(product, name) for name in (*TRACKED, "stock")}
    return canonical(fields)


def _removed(
    number: int, sku: str, version: int, created_at: Instant, updated_at: Instant, removed_at: Instant, document: str
) -> Removed:
    fields = json.loads(document)
    fields["prices"] = tuple(map(Price._make, fields["prices"]))
    # What was reserved of it had been given back.
    fields["stock"] = tuple(StockLevel(location, on_hand, 0) for location, on_hand, _ in fields["stock"])
    product = Product(id=number, sku=sku, version=version, created_at=created_at, updated_at=updated_at, **fields)
    return Removed(product, removed_at)
