"""One database into a backup and out of it, whichever engine it is on."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import cast

from shopctl.storage.backup.checks import Check
from shopctl.storage.backup.errors import BackupOfOtherKind
from shopctl.storage.backup.manifest import DatabaseCopy
from shopctl.storage.database import Database
from shopctl.storage.unit import Unit


@contextmanager
def copied(unit: Unit, database: Database, url: str, *, pg_dump: str | None, aside: str) -> Iterator[Iterator[bytes]]:
    """What a read unit shows, as bytes from which `restored` makes it again.

    On SQLite the unit may end before they are read; on PostgreSQL they come from pg_dump, which shares its snapshot.
    `aside` is a folder for a copy without a name, where the database's own cannot be written to. Raises
    NoRoomForBackup, PgDumpMissing, PgDumpTooOld, and PgDumpFailed while they are read.
    """
    if unit.dialect == "postgres":
        from shopctl.storage.backup.pg_dump import dumped, find_pg_dump

        yield dumped(unit, url, find_pg_dump(unit, pg_dump), unit.tables())
        return
    from shopctl.storage.backup import sqlite_copy

    folder = os.path.dirname(os.path.realpath(database.place))
    with sqlite_copy.copied(unit, folder if os.access(folder, os.W_OK) else aside) as file:
        yield sqlite_copy.blocks(file)


def restored(
    database: Database, copy: DatabaseCopy, source: Iterable[bytes], check: Check
) -> AbstractContextManager[Unit]:
    """Put a copy in the place of a database, upgraded to today's schema.

    Yields the write unit in which it lies, after `check` looked at it as it was; for all others the database is the one
    before, until the end makes it real at once, however long it took. Raises BackupOfOtherKind, what `check` raises,
    and what keeps it from being written; then nothing was changed.
    """
    if database.dialect != copy.dialect:
        raise BackupOfOtherKind(chain=copy.chain, found=copy.dialect, wanted=database.dialect, place=database.place)
    if copy.dialect == "postgres":
        from shopctl.storage.backup import postgres_copy

        return postgres_copy.restored(database, copy.chain, copy.namespace, source, check)
    from shopctl.storage.backup import sqlite_copy
    from shopctl.storage.sqlite import SqliteDatabase

    return sqlite_copy.restored(cast("SqliteDatabase", database), copy.chain, source, check)


def forget_unfinished(database: Database) -> None:
    """Remove what a restore that was killed left beside a database; none may be going on."""
    if database.dialect == "sqlite":
        from shopctl.storage.backup import sqlite_copy

        sqlite_copy.forget_unfinished(database.place)


def namespace_of(unit: Unit) -> str | None:
    """PostgreSQL's schema that the tables are in; None elsewhere."""
    return unit.value("select current_schema()::text") if unit.dialect == "postgres" else None
