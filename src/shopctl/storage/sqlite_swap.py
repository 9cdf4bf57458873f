"""Putting another file in the place of a SQLite database while others may have it open."""

from __future__ import annotations

import os
from contextlib import suppress

from shopctl.storage.errors import DatabaseDamaged, DatabaseLocked, DiskFailed, StatementFailed
from shopctl.storage.files import sync_folder
from shopctl.storage.sqlite import SqliteDatabase


def swap(database: SqliteDatabase, file: str) -> None:
    """Give a whole database file, without a log, the name of this database; the one before is gone.

    No writer is in the middle of anything meanwhile, and whoever has the database open meets the new one at his next
    unit. Killed on the way, either of them is there, whole. Raises DatabaseLocked, also when a reader stays too long.
    """
    place = os.path.realpath(database.place)
    with database.seated():
        _bring_home(database, place)
        database.close_connection()
        # An old log must never meet the new file: it is empty by now, or belongs to a file that is damaged anyway.
        for beside in ("-wal", "-shm", "-journal"):
            with suppress(FileNotFoundError):
                os.unlink(place + beside)
        os.replace(file, place)
        sync_folder(os.path.dirname(place))


def _bring_home(database: SqliteDatabase, place: str) -> None:
    """Have everything committed in the database's file itself, so that it is whole without its log."""
    if not os.path.exists(place) or not os.path.getsize(place):
        return
    try:
        done = database.checkpoint()
    except (DatabaseDamaged, DiskFailed, StatementFailed):
        return  # nothing of it can be saved
    if not done:
        raise DatabaseLocked(place=place, seconds=database.lock_wait)
