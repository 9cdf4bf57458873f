"""Filling a trail for the tests."""

from __future__ import annotations

from shopctl.audit.service import Audit
from shopctl.storage.database import Database


def record(database: Database, audit: Audit, count: int, *, start: int = 0) -> None:
    """Record `count` entries in one unit."""
    with database.unit() as unit:
        for number in range(start, start + count):
            audit.record(unit, "catalogue.set", f"SKU-{number}", {"fields": ["name"], "number": number}, count=number)


def fill(database: Database, audit: Audit, *, batches: tuple[int, ...] = (7, 1, 12, 5), tail: int = 4) -> None:
    """A trail with a seal for each batch, and a tail without one."""
    start = 0
    for size in batches:
        record(database, audit, size, start=start)
        assert audit.seal() == size
        start += size
    record(database, audit, tail, start=start)
