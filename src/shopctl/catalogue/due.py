"""Tells in the change log what falls due, so that whoever follows the log hears of every change buyers meet.

A product knows the first of its moments to come (`due_at`), which whoever stores it sets. Telling is no edit: the rows
carry the version that is there, and replace nothing.
"""

from __future__ import annotations

from shopctl.catalogue import changes, moments, queries
from shopctl.kernel.clock import Clock, Instant
from shopctl.kernel.errors import Locked, ShopctlError
from shopctl.storage.database import Database
from shopctl.storage.errors import DatabaseReadOnly
from shopctl.storage.unit import Unit

ACTOR = "clock"

_PORTION = 1000  # products a unit: other writers wait no longer than for that

KEEP_DUE = "case when due_at <= :now then due_at else cast(:due_at as bigint) end"
"""How whoever stores a product sets `due_at`: what fell due meanwhile, and nobody has told yet, is not passed over."""


def tell(database: Database, clock: Clock, *, wait: float | None = None, most: int | None = None) -> int:
    """Write a row for each moment that has come; how many products had one. One query when there is none.

    Safe to repeat and to run in several processes at once: each moment is told once. At most about `most` products.
    With `wait` (seconds) it gives way to other writers. What cannot be told now is told by whoever comes next, so
    trouble is logged and no more.
    """
    told = 0
    try:
        while most is None or told < most:
            with database.read() as unit:
                if unit.value("select 1 from product where due_at <= :now limit 1", now=clock.now()) is None:
                    break
            with database.unit(wait=wait) as unit:
                done = _told(unit, clock.now())
            told += done
            if not done:
                break  # others are at it
    except (Locked, DatabaseReadOnly):
        pass
    except ShopctlError as trouble:
        from shopctl.kernel import logging

        logging.warning("what fell due could not be told, the next command will do it", reason=trouble.message)
    return told


def _told(unit: Unit, now: Instant) -> int:
    since = dict(
        unit.tuples(
            f"""select id, due_at from product where due_at <= :now
                 order by due_at, id limit :limit {unit.for_claim}""",
            now=now, limit=_PORTION,
        )
    )  # fmt: skip
    products = queries.by_ids(unit, since, now=now)
    rows = [
        changes.Change(product.id, kind, moment, product.version, None, ACTOR, "{}")
        for product in products.values()
        for moment, kind in moments.fallen_due(product, since=since[product.id], until=now)
    ]
    changes.record(unit, sorted(rows, key=lambda row: row.at))
    unit.execute_many(
        "update product set due_at = cast(:due_at as bigint) where id = :id",
        [{"id": product.id, "due_at": moments.next_of(product, after=now)} for product in products.values()],
    )
    return len(products)
