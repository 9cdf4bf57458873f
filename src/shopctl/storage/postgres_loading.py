"""Filling empty tables of PostgreSQL: keys, references and indexes are made at the end, each in one go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from shopctl.storage import errors

if TYPE_CHECKING:
    from shopctl.storage.postgres import PostgresUnit

_LOCK_TIMEOUT = "1s"  # so long a load waits for those who look at the tables, and others who come wait behind it


class _Part(NamedTuple):
    """A constraint or an index, with the statements that take it away and bring it back."""

    drop: str
    make: str


@contextmanager
def set_aside(unit: PostgresUnit, tables: Sequence[str]) -> Iterator[bool]:
    """Do without the constraints and indexes of empty tables until the end of the block; yields whether that is so.

    It takes the rights of the tables' owner and the tables for this unit alone; where either is not to be had, all
    stays as it is. A broken reference or key raises ConstraintBroken at the end.
    """
    alone = _owned(unit, tables) and _locked(unit, tables)
    parts = _parts(unit, tables) if alone else []
    for part in reversed(parts):
        unit.execute(part.drop)
    yield alone
    for part in parts:
        unit.execute(part.make)


def _owned(unit: PostgresUnit, tables: Sequence[str]) -> bool:
    owned = "select bool_and(pg_has_role(relowner, 'usage')) from pg_class where oid = any(cast(:tables as regclass[]))"
    return bool(unit.value(owned, tables=list(tables)))


def _locked(unit: PostgresUnit, tables: Sequence[str]) -> bool:
    # What a table refers to is changed with it: the references live on both.
    referred = unit.tuples(
        """select distinct confrelid::regclass::text from pg_constraint
            where contype = 'f' and conrelid = any(cast(:tables as regclass[]))""",
        tables=list(tables),
    )
    every = sorted({*tables, *(name for (name,) in referred)})
    before = unit.value("show lock_timeout")
    try:
        with unit.connection.transaction():
            unit.execute(f"set local lock_timeout = '{_LOCK_TIMEOUT}'")
            unit.execute(f"lock table {', '.join(every)} in access exclusive mode")
            unit.execute(f"set local lock_timeout = '{before}'")
    except errors.DatabaseLocked:
        return False
    return True


def _parts(unit: PostgresUnit, tables: Sequence[str]) -> list[_Part]:
    """In the order in which they are brought back: keys before the references that may need them."""
    constraints = unit.tuples(
        """select conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) from pg_constraint
            where contype in ('p', 'u', 'f') and conrelid = any(cast(:tables as regclass[]))
            order by contype = 'f', conname""",
        tables=list(tables),
    )
    indexes = unit.tuples(
        """select indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index i
            where indrelid = any(cast(:tables as regclass[]))
              and not exists (select 1 from pg_constraint c where c.conindid = i.indexrelid)
            order by 1""",
        tables=list(tables),
    )
    return [_Part(f"drop index {name}", definition) for name, definition in indexes] + [
        _Part(f"alter table {table} drop constraint {name}", f"alter table {table} add constraint {name} {definition}")
        for table, name, definition in constraints
    ]
