"""What the shop holds now of the products a batch of feed rows speaks of, read with one query a table."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from shopctl.catalogue import changes
from shopctl.catalogue.feed.row import FIELDS, RETIRE_AT, SKU
from shopctl.catalogue.importing.journal import json_rows
from shopctl.storage.unit import Unit

# The columns of `product` that a feed can give, in the order of a feed row.
COLUMNS = FIELDS[SKU : RETIRE_AT + 1]

_STATUS = COLUMNS.index("status")

PriceKey = tuple[str, str, int, int]  # currency, list, min_quantity, valid_from
PriceValue = tuple[int, int | None]  # amount in minor units, valid_until


@dataclass(slots=True)
class Current:
    """A product as it stands, with what the feed said last."""

    id: int
    version: int
    values: tuple[Any, ...]  # in the order of COLUMNS
    prices: dict[PriceKey, PriceValue] = field(default_factory=dict)
    stock: dict[str, int] = field(default_factory=dict)
    fed_stock: dict[str, int] = field(default_factory=dict)
    status_before: str | None = None  # of a product that an import retired since its feed brought it no more


def load(unit: Unit, skus: Iterable[str], feed_id: int, *, lock: bool = True) -> dict[str, Current]:
    """The products of these SKUs that exist, by SKU, locked (with their stock) against other writers."""
    wanted = json_rows([sku] for sku in skus)
    locked = unit.for_update if lock else ""
    found = {
        row[2]: Current(id=row[0], version=row[1], values=row[2:])
        for row in unit.tuples(
            f"""select id, version, {", ".join(COLUMNS)} from product
                 where sku in (select value ->> 0 from {unit.each("skus")}) order by id {locked}""",
            skus=wanted,
        )
    }
    if not found:
        return found
    by_id = {product.id: product for product in found.values()}
    numbers = json_rows([number] for number in by_id)
    among = f"in (select cast(value ->> 0 as bigint) from {unit.each('ids')})"
    for number, currency, price_list, quantity, since, amount, until in unit.tuples(
        f"""select product_id, currency, list, min_quantity, valid_from, amount, valid_until from price
             where product_id {among}""",
        ids=numbers,
    ):
        by_id[number].prices[currency, price_list, quantity, since] = (amount, until)
    for number, location, on_hand in unit.tuples(
        f"""select product_id, location, on_hand from stock where product_id {among}
             order by product_id, location {locked}""",
        ids=numbers,
    ):
        by_id[number].stock[location] = on_hand
    for number, stock in unit.tuples(
        f"select product_id, stock from feed_record where feed_id = :feed and product_id {among}",
        feed=feed_id,
        ids=numbers,
    ):
        by_id[number].fed_stock = json.loads(stock)
    _load_pruned(unit, [product for product in found.values() if product.values[_STATUS] == "retired"])
    return found


def _load_pruned(unit: Unit, retired: list[Current]) -> None:
    by_id = {product.id: product for product in retired}
    if not by_id:
        return
    # Nobody has touched it since, or what was done has been undone.
    for number, previous in unit.tuples(
        f"""select c.product_id, c.previous from change c
             where c.kind = 'retire' and c.import_id is not null
               and c.product_id in (select cast(value ->> 0 as bigint) from {unit.each("ids")})
               and not {changes.undone_sql("c")} and not {changes.changed_since_sql("c")}""",
        ids=json_rows([number] for number in by_id),
    ):
        by_id[number].status_before = json.loads(previous)["status"]
