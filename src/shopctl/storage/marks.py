"""Marks in the shop's database: what was done last, and that its workers are to stand still.

After a restore the database is older than the world around it, and nobody knows which charges, deliveries and messages
it has forgotten. So a restore pauses the shop: workers start nothing until what it says was held against the world.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit

PAUSED = "paused"
BACKUP = "backup"
DRILL = "drill"


class Mark(NamedTuple):
    """Something that happened last at `at`, and what is to be known of it."""

    at: Instant
    facts: dict[str, Any]


def put_mark(unit: Unit, name: str, now: Instant, facts: Mapping[str, Any]) -> None:
    """Note that it happened now, in place of the time before."""
    unit.execute(
        """insert into operating_mark (name, at, facts) values (:name, :at, :facts)
           on conflict (name) do update set at = excluded.at, facts = excluded.facts""",
        name=name,
        at=now,
        facts=json.dumps(facts, separators=(",", ":")),
    )


def mark(unit: Unit, name: str) -> Mark | None:
    """When it happened last; None if it never did."""
    rows = unit.tuples("select at, facts from operating_mark where name = :name", name=name)
    return Mark(rows[0][0], json.loads(rows[0][1])) if rows else None


def pause(unit: Unit, now: Instant, facts: Mapping[str, Any]) -> None:
    """Have workers start nothing from now on; `facts` say why."""
    put_mark(unit, PAUSED, now, facts)


def is_paused(unit: Unit) -> bool:
    """Whether workers must start nothing: no run, no delivery, no call to the outside. Every unit that claims asks."""
    return unit.value("select 1 from operating_mark where name = :name", name=PAUSED) is not None


def resume(unit: Unit) -> bool:
    """Let workers go on; whether they were paused."""
    return unit.execute("delete from operating_mark where name = :name", name=PAUSED) == 1
