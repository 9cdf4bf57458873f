"""Lists products by what they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from shopctl.catalogue import queries
from shopctl.catalogue.model import Product
from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit

_BATCH = 500

STATUS_AT = """case when status = 'retired' or coalesce(retire_at <= :now, false) then 'retired'
                    when publish_at <= :now then 'active'
                    when publish_at > :now then 'draft'
                    else status end"""
"""The rule of `model.status_at` in SQL, for counting and choosing many."""


class Filters(NamedTuple):
    """What is listed; None does not choose. A category holds what is below it too."""

    status: str | None = None
    kind: str | None = None
    category: str | None = None
    brand: str | None = None


def products(
    unit: Unit, filters: Filters, *, now: Instant, limit: int | None = None, offset: int = 0
) -> Iterator[Product]:
    """Products in the order of their creation, read some hundreds at a time."""
    where = [
        condition
        for value, condition in zip(
            filters,
            (
                f"{STATUS_AT} = :status",
                "kind = :kind",
                "(category = :category or substr(category, 1, length(:below)) = :below)",
                "brand = :brand",
            ),
            strict=True,
        )
        if value is not None
    ]
    sql = f"""select {", ".join(queries.COLUMNS)} from product where {" and ".join(["id > :last", *where])}
               order by id limit :limit offset :offset"""
    last, left = 0, limit
    while left is None or left > 0:
        size = _BATCH if left is None else min(left, _BATCH)
        rows = unit.tuples(
            sql, **filters._asdict(), below=f"{filters.category} > ", now=now, last=last, limit=size, offset=offset
        )
        yield from queries.completed(unit, [queries.product_of(row) for row in rows], now=now)
        if len(rows) < size:
            return
        last, offset = rows[-1][0], 0
        left = None if left is None else left - len(rows)
