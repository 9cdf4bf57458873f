"""Resealing: everything sealed in a database passes to new keys, while others go on working, and the old keys go.

First the keys are exchanged, between the units of those who seal; from then on nothing is written under the old ones.
Then cells are re-encrypted and their blind indexes made anew, a batch a unit. When none is left, what else is wrapped
is wrapped anew and the old keys are deleted, in one unit. A run that was killed is completed by the next.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from shopctl.storage.database import Database
from shopctl.storage.key_encryption import KeyEncryptionKey, KeyEncryptionKeys
from shopctl.storage.resealing_queries import Cell, Current, count_cells, count_old, old_cells, store
from shopctl.storage.sealed_text import Place
from shopctl.storage.sealing import SealedColumn, Sealer
from shopctl.storage.sealing_errors import ResealStuck, SealingKeysMissing
from shopctl.storage.sealing_keys import ACTIVE, DATA, HOLD, INDEX, RETIRING, add_key, keys_for, wrapped
from shopctl.storage.unit import Unit

BATCH = 500
_PAUSE = 0.2

Progress = Callable[[int, int], None]
"""Is told how many cells are resealed, and of how many."""


class ColumnProof(NamedTuple):
    """A sealed column afterwards: its cells, and how many cells and indexes are under any key but the current one."""

    table: str
    column: str
    cells: int
    old: int


class Resealed(NamedTuple):
    """What a reseal did, and what was read back at its end.

    `keys` are all the keys there are now, by purpose; `log_emptied` tells whether SQLite's log, which holds the old
    pages, could be emptied (True on PostgreSQL, where no file is ours).
    """

    cells: int
    seconds: float
    per_second: int
    kek: str
    keys: dict[str, str]
    columns: list[ColumnProof]
    log_emptied: bool

    @property
    def proved(self) -> bool:
        """Whether nothing is under an old key."""
        return not any(column.old for column in self.columns)


def reseal(
    database: Database,
    sealer: Sealer,
    *,
    kek: KeyEncryptionKey | None = None,
    progress: Progress = lambda done, total: None,
    patience: float = 60.0,
) -> Resealed:
    """Pass to new keys under `kek`, or under the current key-encryption key.

    Rows that others keep locked are waited for, `patience` seconds in all. Processes that run meanwhile need both
    key-encryption keys at hand, or they are refused (SealingKeyWrong) until they have the new one. Raises JobLocked
    while another reseal runs, SealingKeysMissing, SealingKeyWrong, SealingKeyDamaged, SealBroken naming a cell that
    does not open (the old keys stay then), ResealStuck.
    """
    began = time.monotonic()
    at_hand = sealer.unwrapping.fetch()
    target = kek or at_hand.current
    working = Sealer(sealer.chain, sealer.columns, lambda: KeyEncryptionKeys(target, *at_hand))
    with database.exclusive("sealing.reseal"), database.scrubbing():
        with database.unit() as unit:
            current = _exchange(unit, working, target, again=target.id == at_hand.current.id)
        done = _reseal_all(database, working, current, progress, patience)
        with database.read() as unit:
            columns = [_proof(unit, column, current) for column in working.columns]
            keys = {row.purpose: row.id for row in keys_for(unit)}
        log_emptied = database.empty_log()
    seconds = time.monotonic() - began
    return Resealed(done, round(seconds, 3), int(done / max(seconds, 1e-6)), target.id, keys, columns, log_emptied)


def _exchange(unit: Unit, sealer: Sealer, kek: KeyEncryptionKey, *, again: bool) -> Current:
    """Make new keys the active ones, unless a run that was killed has done so, or was even killed after its end."""
    unit.hold_alone(HOLD)
    rows = keys_for(unit, DATA, INDEX)
    if not rows:
        raise SealingKeysMissing(chain=sealer.chain)
    for row in rows:
        sealer.unwrapping.secret(row)  # before anything is changed
    underway = any(row.state == RETIRING for row in rows)
    finished = not again and all(row.kek_id == kek.id for row in rows)
    if not underway and not finished:
        unit.execute(f"update sealing_key set state = '{RETIRING}' where purpose in ('{DATA}', '{INDEX}')")
        for purpose in (DATA, INDEX):
            add_key(unit, sealer.chain, kek, purpose)
    active = {row.purpose: row.id for row in keys_for(unit, DATA, INDEX) if row.state == ACTIVE}
    return Current.of(active[DATA], active[INDEX])


def _reseal_all(database: Database, sealer: Sealer, current: Current, progress: Progress, patience: float) -> int:
    deadline = time.monotonic() + patience
    done = 0
    with database.read() as unit:
        total = sum(count_old(unit, column, current) for column in sealer.columns)
    while True:
        for column in sealer.columns:
            after: int | str | None = None
            while cells := _reseal_batch(database, sealer, column, current, after):
                done += len(cells)
                after = cells[-1].key
                progress(done, max(done, total))
        with database.unit() as unit:
            left = _retire(unit, sealer, current)
        if not left:
            return done
        if time.monotonic() > deadline:
            raise ResealStuck(left=left)
        time.sleep(_PAUSE)


def _reseal_batch(
    database: Database, sealer: Sealer, column: SealedColumn, current: Current, after: int | str | None
) -> list[Cell]:
    with database.unit() as unit:
        cells = old_cells(unit, column, current, after, BATCH)
        store(unit, column, [_resealed(unit, sealer, column, cell) for cell in cells])
    return cells


def _resealed(unit: Unit, sealer: Sealer, column: SealedColumn, cell: Cell) -> Cell:
    if cell.sealed is None:
        return Cell(cell.key, None, None)
    place = Place(column.table, column.column, str(cell.key))
    text = sealer.open(unit, place, cell.sealed)
    index = sealer.index(unit, column.table, column.column, text) if column.index_column else None
    return Cell(cell.key, sealer.seal(unit, place, text), index)


def _retire(unit: Unit, sealer: Sealer, current: Current) -> int:
    """Delete the old keys and wrap all others under the new key-encryption key, unless cells are left; how many are.

    Cells are counted in the unit that deletes: a key that something is sealed under is never lost.
    """
    unit.hold_alone(HOLD)
    if left := sum(count_old(unit, column, current) for column in sealer.columns):
        return left
    unit.execute(f"delete from sealing_key where state = '{RETIRING}'")
    kek = sealer.unwrapping.keks.current
    for row in keys_for(unit):
        if row.kek_id != kek.id:
            unit.execute(
                "update sealing_key set kek_id = :kek_id, wrapped = :wrapped where id = :id",
                id=row.id,
                kek_id=kek.id,
                wrapped=wrapped(sealer.chain, kek, row.purpose, row.id, sealer.unwrapping.secret(row)),
            )
    return 0


def _proof(unit: Unit, column: SealedColumn, current: Current) -> ColumnProof:
    return ColumnProof(column.table, column.column, count_cells(unit, column), count_old(unit, column, current))
