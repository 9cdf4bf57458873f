"""Copying a SQLite database out while others write, and putting a copy in the place of one."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import IO

from shopctl.storage import migrations
from shopctl.storage.backup.checks import Check
from shopctl.storage.backup.errors import NoRoomForBackup
from shopctl.storage.errors import DatabaseFull
from shopctl.storage.files import sync_folder
from shopctl.storage.migrations import Chain
from shopctl.storage.sqlite import SqliteDatabase
from shopctl.storage.sqlite_errors import translated
from shopctl.storage.sqlite_swap import swap
from shopctl.storage.unit import Unit

_BLOCK = 1 << 20


@contextmanager
def copied(unit: Unit, folder: str) -> Iterator[IO[bytes]]:
    """A file with the database as this read unit shows it, made by SQLite's online backup; writers go on meanwhile.

    The file lies in `folder` without a name, so that nothing is left of it however this ends. Raises NoRoomForBackup.
    """
    handle, path = tempfile.mkstemp(prefix=".shopctl-copy-", dir=folder)
    with os.fdopen(handle, "rb") as file:
        try:
            target = sqlite3.connect(path, isolation_level=None)
        finally:
            os.unlink(path)
        with closing(target):
            target.execute("pragma journal_mode = off")
            target.execute("pragma synchronous = off")
            try:
                with translated(path):
                    unit.connection.backup(target)  # within the unit's transaction: the copy is of its snapshot
            except DatabaseFull:
                raise NoRoomForBackup(path=folder) from None
        file.seek(0)
        yield file


def blocks(file: IO[bytes]) -> Iterator[bytes]:
    """The content of a file."""
    while block := file.read(_BLOCK):
        yield block


@contextmanager
def restored(database: SqliteDatabase, chain: Chain, source: Iterable[bytes], check: Check) -> Iterator[Unit]:
    """See `restoring.restored`: a file beside the database, which takes its name at the end."""
    target = os.path.realpath(database.place)
    aside = forget_unfinished(database.place)
    with translated(target):
        os.mkdir(aside, 0o700)
    try:
        made = os.path.join(aside, "restored.db")
        _write(made, source, target)
        with closing(SqliteDatabase(made, lock_wait=database.lock_wait)) as scratch:
            with scratch.read() as unit:
                check(unit)
            if migrations.found(scratch, chain) != migrations.head(chain):
                migrations.upgrade(scratch, chain)
            with scratch.unit() as unit:
                yield unit
            scratch.empty_log()
        swap(database, made)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        sync_folder(os.path.dirname(target))


def forget_unfinished(place: str) -> str:
    """Remove what a run that was killed left beside a database; the name of the folder it was in."""
    aside = f"{os.path.realpath(place)}.restoring"
    shutil.rmtree(aside, ignore_errors=True)
    return aside


def _write(path: str, source: Iterable[bytes], target: str) -> None:
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.writelines(source)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        from shopctl.storage.process_lock import lock_file_error

        raise lock_file_error(error, target) from None
