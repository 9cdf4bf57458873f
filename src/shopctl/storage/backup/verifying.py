"""Reading a whole backup: every byte decrypted, unpacked and held against its checksum, every row counted."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import closing
from typing import NamedTuple

from shopctl.storage.backup.errors import BackupDamaged, NoRoomForBackup
from shopctl.storage.backup.manifest import DatabaseCopy, Manifest, from_json
from shopctl.storage.backup.scratch import scratch_folder
from shopctl.storage.backup.sealed_file import SealedReader
from shopctl.storage.soundness import damage
from shopctl.storage.sqlite import SqliteDatabase
from shopctl.storage.table_sums import tables_of


class Backup(NamedTuple):
    """A backup that is open to be read."""

    reader: SealedReader
    manifest: Manifest

    @classmethod
    def of(cls, reader: SealedReader) -> Backup:
        """What a reader has found. Raises BackupDamaged, BackupNewer."""
        return cls(reader, from_json(reader.manifest, reader.path))


def verify(backup: Backup, *, counting_in: str | None = None) -> None:
    """Read everything; with a folder to count in, a SQLite database is unpacked there, opened and counted too.

    The rows of PostgreSQL are counted as they go by. Raises BackupDamaged, NoRoomForBackup.
    """
    reader, manifest = backup
    copies = {copy.chain: copy for copy in manifest.databases}
    for part in manifest.parts:
        content, copy = reader.part(part), copies.get(part.name)  # type: ignore[call-overload]
        if copy is not None and copy.dialect == "postgres":
            _compare(reader.path, copy, _postgres_counts(reader.path, content))
        elif copy is not None and counting_in is not None:
            _compare(reader.path, copy, _sqlite_counts(reader.path, content, counting_in))
        else:
            for _ in content:
                pass


def _compare(path: str, copy: DatabaseCopy, found: dict[str, int]) -> None:
    for name, told in copy.tables.items():
        if told.rows != (count := found.get(name, 0)):
            raise BackupDamaged(path=path, reason=f"the table {name} is said to have {told.rows} rows, it has {count}")


def _postgres_counts(path: str, content: Iterable[bytes]) -> dict[str, int]:
    from shopctl.storage.backup.pg_script import row_counts

    try:
        return row_counts(content)
    except ValueError as error:
        raise BackupDamaged(path=path, reason=str(error)) from None


def _sqlite_counts(path: str, content: Iterable[bytes], folder: str) -> dict[str, int]:
    with scratch_folder(folder) as aside:
        name = os.path.join(aside, "counted.db")
        try:
            with open(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
                file.writelines(content)
        except OSError:
            raise NoRoomForBackup(path=folder) from None
        with closing(SqliteDatabase(name, lock_wait=0)) as database, database.read() as unit:
            if wrong := damage(unit):
                raise BackupDamaged(path=path, reason=f"a database in it is not sound: {wrong}")
            return {table.name: unit.value(f"select count(*) from {table.name}") for table in tables_of(unit)}
