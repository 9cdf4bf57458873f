"""Pools of licence keys: filled from files, claimed by steps of runs, given back or burned when those are undone.

The keys are goods of value: the database holds them sealed, and what a step leaves behind names one by its id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from shopctl.kernel import clock, ids
from shopctl.kernel.clock import Clock
from shopctl.kernel.errors import one_line
from shopctl.provisioning.errors import LicenceKeyInvalid, LicenceKeyNotFound, NoLicenceKeyLeft, PoolInvalid
from shopctl.storage.database import Database
from shopctl.storage.sealing import Place, Sealer
from shopctl.storage.unit import Unit, json_array

if TYPE_CHECKING:
    from shopctl.audit.service import Audit

TABLE = "licence_key"
LONGEST = 1_000  # characters of a key

_POOL = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_BATCH = 1_000
_COLUMNS = ("id", "pool", "state", "key", "key_index", "added_at")


class _Row(NamedTuple):
    id: str
    pool: str
    state: str
    key: str
    run_id: str | None
    step: str | None
    claimed_at: int | None


class LicenceKeyService:
    """Use cases of licence keys. `claim` and `give_back` are for steps and take their open unit."""

    def __init__(self, database: Database, audit: Audit, clock: Clock, sealer: Sealer) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._sealer = sealer

    def add(self, pool: str, keys: Iterable[str], *, dry_run: bool = False) -> dict[str, Any]:
        """Add keys, one a line, all or none: {"pool", "added", "duplicates", "free"}.

        Empty lines do not count; a key that is in this or another pool already, sold or not, is a duplicate and left
        out, so that a file can be added again. Raises PoolInvalid, LicenceKeyInvalid.
        """
        if not _POOL.fullmatch(pool):
            raise PoolInvalid(pool=pool)
        given = list(_read(keys))
        wanted = list(dict.fromkeys(given))
        with self._database.unit(dry_run=dry_run) as unit:
            unit.hold_alone(TABLE)  # another file may bring the same keys at the same time
            added = sum(self._add(unit, pool, wanted[at : at + _BATCH]) for at in range(0, len(wanted), _BATCH))
            if added:
                facts = {"added": added, "duplicates": len(given) - added}
                self._audit.record(unit, "licence_key.add", pool, facts, count=added)
            free = unit.value("select count(*) from licence_key where pool = :pool and state = 'free'", pool=pool)
        return {"pool": pool, "added": added, "duplicates": len(given) - added, "free": free}

    def pools(self) -> list[dict[str, Any]]:
        """Each pool with its counts: {"pool", "free", "claimed", "burned"}."""
        with self._database.read() as unit:
            rows = unit.tuples(
                """select pool, sum(case when state = 'free' then 1 else 0 end),
                          sum(case when state = 'claimed' then 1 else 0 end),
                          sum(case when state = 'burned' then 1 else 0 end)
                     from licence_key group by pool order by pool"""
            )
        names = ("pool", "free", "claimed", "burned")
        return [dict(zip(names, (row[0], *map(int, row[1:])), strict=True)) for row in rows]

    def reveal(self, licence_key_id: str) -> dict[str, Any]:
        """A key in clear, which the audit trail tells: {"licence_key_id", "pool", "state", "key", "run_id", …}.

        Raises LicenceKeyNotFound.
        """
        with self._database.unit() as unit:
            row = self._row(unit, licence_key_id)
            self._audit.record(unit, "licence_key.reveal", row.id, {"pool": row.pool})
            return {
                "licence_key_id": row.id,
                "pool": row.pool,
                "state": row.state,
                "key": self._open(unit, row),
                "run_id": row.run_id,
                "step": row.step,
                "claimed_at": clock.show(row.claimed_at),
            }

    def key_of(self, unit: Unit, licence_key_id: str) -> str:
        """The key itself, for what delivers it. Raises LicenceKeyNotFound."""
        return self._open(unit, self._row(unit, licence_key_id))

    def claim(self, unit: Unit, pool: str, *, run_id: str, step: str) -> str:
        """The id of a key of this pool that belongs to the step from now on; the one it has, where it has one.

        Raises NoLicenceKeyLeft.
        """
        held = unit.value(
            "select id from licence_key where run_id = :run and step = :step and state = 'claimed'",
            run=run_id,
            step=step,
        )
        if held is not None:
            return str(held)
        free = unit.value(
            f"""select id from licence_key where pool = :pool and state = 'free'
                 order by id limit 1 {unit.for_claim}""",
            pool=pool,
        )
        if free is None:
            raise NoLicenceKeyLeft(pool=pool)
        unit.execute(
            "update licence_key set state = 'claimed', run_id = :run, step = :step, claimed_at = :now where id = :id",
            id=free,
            run=run_id,
            step=step,
            now=self._clock.now(),
        )
        return str(free)

    def give_back(self, unit: Unit, *, run_id: str, step: str, burn: bool) -> str | None:
        """The step is undone: its key is free again, or burned where somebody may have seen it. None: it had none."""
        held = unit.value(
            f"""select id from licence_key where run_id = :run and step = :step and state = 'claimed'
                {unit.for_update}""",
            run=run_id,
            step=step,
        )
        if held is None:
            return None
        # A burned one keeps the names of who had it.
        freed = "state = 'free', run_id = null, step = null, claimed_at = null"
        change = "state = 'burned'" if burn else freed
        unit.execute(f"update licence_key set {change} where id = :id", id=held)
        return str(held)

    def _add(self, unit: Unit, pool: str, keys: Sequence[str]) -> int:
        current = self._sealer.indexing(unit, TABLE, "key")(keys)
        by_key = [current, *self._sealer.former_indexes(unit, TABLE, "key", keys)]
        taken = {
            index
            for indexes in by_key
            for (index,) in unit.tuples(
                f"""select key_index from licence_key
                     where key_index in (select value ->> 0 from {unit.each("indexes")})""",
                indexes=json_array(indexes),
            )
        }
        new = [place for place in range(len(keys)) if not any(indexes[place] in taken for indexes in by_key)]
        names = ids.several("lic", len(new))
        pairs = [(name, keys[place]) for name, place in zip(names, new, strict=True)]
        cells = self._sealer.seals(unit, TABLE, "key")(pairs)
        now = self._clock.now()
        rows = [
            (name, pool, "free", cell, current[place], now) for name, cell, place in zip(names, cells, new, strict=True)
        ]
        unit.insert_many(TABLE, _COLUMNS, rows)
        return len(rows)

    def _row(self, unit: Unit, licence_key_id: str) -> _Row:
        row = unit.row(
            _Row,
            "select id, pool, state, key, run_id, step, claimed_at from licence_key where id = :id",
            id=licence_key_id,
        )
        if row is None:
            raise LicenceKeyNotFound(id=repr(licence_key_id))
        return row

    def _open(self, unit: Unit, row: _Row) -> str:
        return self._sealer.open(unit, Place(TABLE, "key", row.id), row.key)


def _read(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        key = line.strip().removeprefix("\ufeff")
        if not key:
            continue
        # The key is not shown: whoever reads the message could use it.
        if len(key) > LONGEST:
            raise LicenceKeyInvalid(line=number, reason=f"it is longer than {LONGEST} characters")
        if one_line(key) != key:
            raise LicenceKeyInvalid(line=number, reason="it holds control characters")
        yield key
