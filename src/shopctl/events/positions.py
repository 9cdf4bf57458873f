"""Where subscribers stand in the outbox, so that none misses an event or is handed one twice.

On SQLite events are numbered in the order of their commits. On PostgreSQL they are not: there the order is that of the
transactions that wrote them, and readers stop below the oldest one that is still open (design, decision 8).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit

_AGAIN = 3_600_000_000  # microseconds: how much a database that was copied delivers again


class Place(NamedTuple):
    """Everything up to the event with this `xid` (0 on SQLite) and number is done."""

    position: int
    number: int


class Standing(NamedTuple):
    """A subscriber's place, and how it fares with the event behind it."""

    name: str
    log: str
    place: Place
    attempts: int
    next_at: Instant
    error: str | None


def behind(unit: Unit) -> str:
    """The condition for events behind `:position` and `:number` that may be read."""
    return _BEHIND[unit.dialect]


def order(unit: Unit) -> str:
    """The columns in whose order events are delivered."""
    return _ORDER[unit.dialect]


def end(unit: Unit) -> Place:
    """Behind everything that can be read now; what is still open is yet to come."""
    return Place(*unit.tuples(_END[unit.dialect])[0])


def standings(unit: Unit) -> dict[str, Standing]:
    """Every subscriber that has ever read here, by name."""
    return {row.name: row for row in map(_standing, unit.tuples(f"{_SELECT} order by name"))}


def claimed(unit: Unit, name: str) -> Standing | None:
    """Where a subscriber stands, kept from other deliverers until the unit ends; None while one of them has it."""
    for row in unit.tuples(f"{_SELECT} where name = :name {unit.for_claim}", name=name):
        return _standing(row)
    return None


def begin(unit: Unit, name: str, place: Place) -> None:
    """Write down where a new subscriber begins, unless somebody else just did."""
    unit.execute(
        """insert into subscription (name, log, position, number, attempts, next_at)
           values (:name, :log, :position, :number, 0, 0) on conflict (name) do nothing""",
        name=name, log=log_of(unit), **place._asdict(),
    )  # fmt: skip


def move(
    unit: Unit, name: str, place: Place, *, attempts: int = 0, next_at: Instant = 0, error: str | None = None
) -> None:
    """Write down where a subscriber stands now."""
    unit.execute(
        """update subscription set position = :position, number = :number, attempts = :attempts, next_at = :next_at,
                  error = :error
            where name = :name""",
        name=name, attempts=attempts, next_at=next_at, error=error, **place._asdict(),
    )  # fmt: skip


def is_foreign(unit: Unit, found: Sequence[Standing]) -> bool:
    """Whether these places are those of another database: this one was copied or restored from it."""
    own = log_of(unit)
    return any(each.log != own for each in found)


def adopt(unit: Unit) -> None:
    """Take over the places of the database that this one was copied from.

    The other's transactions tell nothing here, and without them the order around a place is not known for sure. So
    what it had delivered in the last hour is delivered again, to subscribers that go by the ids of events.
    """
    unit.hold_alone("subscriptions")
    found = list(standings(unit).values())
    if not is_foreign(unit, found):
        return
    firsts = [_first_again(unit, each.place.number) for each in found]
    if unit.dialect == "postgres":
        unit.execute("update event set xid = 0 where xid <> 0")
    for each, first in zip(found, firsts, strict=True):
        move(unit, each.name, Place(0, first - 1))
    unit.execute("update subscription set log = :log", log=log_of(unit))


def log_of(unit: Unit) -> str:
    """What tells the numbers of this database from those of another."""
    return str(unit.value(_LOG[unit.dialect]))


_SELECT = "select name, log, position, number, attempts, next_at, error from subscription"
_BEHIND = {
    "sqlite": "number > :number and :position = 0",
    "postgres": """(xid, number) > (cast(:position as bigint), cast(:number as bigint))
                   and xid < cast(cast(pg_snapshot_xmin(pg_current_snapshot()) as text) as bigint)""",
}
_ORDER = {"sqlite": "number", "postgres": "xid, number"}
_END = {
    "sqlite": "select 0, coalesce(max(number), 0) from event",
    # The numbers of whoever is open count from 1, so all of theirs come behind this.
    "postgres": "select cast(cast(pg_snapshot_xmin(pg_current_snapshot()) as text) as bigint), 0",
}
_LOG = {
    "sqlite": "select 'sqlite'",
    "postgres": """select 'postgres ' || (select system_identifier from pg_control_system()) || ' ' || oid
                     from pg_database where datname = current_database()""",
}


def _standing(row: tuple[str, str, int, int, int, int, str | None]) -> Standing:
    name, log, position, number, attempts, next_at, error = row
    return Standing(name, log, Place(position, number), attempts, next_at, error)


def _first_again(unit: Unit, number: int) -> int:
    """The first event to be delivered in a copy, where everything up to `number` was."""
    last = unit.value("select max(at) from event where number <= :number", number=number)
    found = unit.value("select min(number) from event where at > :at", at=(last or 0) - _AGAIN)
    return number + 1 if last is None or found is None else min(int(found), number + 1)
