"""The journal of an import of users that commits batch by batch: how far it came, and which rows it did not take.

There is at most one, that of an import which is under way or was killed; an import that ends forgets it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from shopctl.kernel.clock import Instant
from shopctl.storage.sealing import Sealer
from shopctl.storage.unit import Unit

TABLE, MESSAGE = "user_import_reject", "message"


class Stopped(NamedTuple):
    """An import that has not ended; `line` is the last one that is done with, `counts` a JSON object."""

    id: str
    fingerprint: str | None
    source: str
    line: int
    counts: str


def stopped(unit: Unit) -> Stopped | None:
    """The import that has not ended, None where there is none."""
    return unit.row(Stopped, "select id, fingerprint, source, line, counts from user_import order by started_at desc")


def start(unit: Unit, journal: Stopped, now: Instant) -> None:
    """Open a journal."""
    unit.execute(
        """insert into user_import (id, fingerprint, source, line, counts, started_at)
           values (:id, :fingerprint, :source, :line, :counts, :now)""",
        now=now,
        **journal._asdict(),
    )


def save(unit: Unit, journal: Stopped) -> None:
    """Write down how far the import came, in the unit that made it so."""
    unit.execute(
        "update user_import set line = :line, counts = :counts where id = :id",
        id=journal.id,
        line=journal.line,
        counts=journal.counts,
    )


def forget(unit: Unit) -> None:
    """Forget every import; what they committed stays."""
    unit.execute("delete from user_import_reject")
    unit.execute("delete from user_import")


def add_rejects(unit: Unit, sealer: Sealer, journal: Stopped, rejects: Iterable[tuple[int, str]]) -> None:
    """Store lines that were not taken, each with what is to be said of it, which may repeat what stands there."""
    named = [(_key(journal.id, line), said) for line, said in rejects]
    cells = sealer.seals(unit, TABLE, MESSAGE)(named)
    unit.insert_many(TABLE, ("id", MESSAGE), ((key, cell) for (key, _), cell in zip(named, cells, strict=True)))


def rejects(unit: Unit, sealer: Sealer, journal: Stopped, first: int, last: int) -> dict[int, str]:
    """What is to be said of the lines from `first` to `last` that were not taken."""
    cells = unit.tuples(
        f"select id, {MESSAGE} from {TABLE} where id between :first and :last order by id",
        first=_key(journal.id, first),
        last=_key(journal.id, last),
    )
    said = sealer.open_all(unit, TABLE, MESSAGE, cells)
    return {int(key.rpartition(":")[2]): text for (key, _), text in zip(cells, said, strict=True)}


def _key(import_id: str, line: int) -> str:
    return f"{import_id}:{line:012}"
