"""The door to a database: its URL decides which engine answers, the units look the same."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from shopctl.kernel.redaction import mask_url
from shopctl.storage.errors import NotADatabaseUrl
from shopctl.storage.unit import Constants, Dialect, Unit

LOCK_WAIT = 60.0  # seconds a writer waits for its turn


class Database(Protocol):
    """What every system is handed: write units, read snapshots, and a place to name in messages.

    One connection, so one unit at a time, used by the thread that opened it; another thread opens its own database.
    """

    place: str

    @property
    def dialect(self) -> Dialect:
        """Which engine answers."""

    def exists(self) -> bool:
        """Whether there is a database to open."""

    def create(self) -> None:
        """Make an empty database where the engine can."""

    def unit(self, *, dry_run: bool = False, wait: float | None = None) -> AbstractContextManager[Unit]:
        """A write transaction; `dry_run` rolls it back at its end.

        Where there is one writer at a time it waits for its turn, at most `wait` seconds if they are given. Raises
        DatabaseLocked.
        """

    def read(self) -> AbstractContextManager[Unit]:
        """A read-only snapshot."""

    def packed(self, rows: Sequence[Sequence[object]], constants: Constants) -> Sequence[Sequence[object]] | bytes:
        """Rows as `Unit.insert_many` takes them with the least work; for another process to make ahead."""

    def first_load(self, tables: Sequence[str]) -> AbstractContextManager[Unit]:
        """A write unit that fills these tables, which are empty: what it adds must be right.

        Their references may be left unchecked and their indexes not be there until its end, and readers may wait for
        it.
        """

    def schema_unit(self) -> AbstractContextManager[Unit]:
        """A write transaction that may change tables: steps back soon when others use them (DatabaseLocked)."""

    def exclusive(self, name: str, *, wait: float = 0) -> AbstractContextManager[None]:
        """Be the only process that does the job `name` on this database, until the end or until this process dies.

        Taken before the units of the job, never inside one. Raises JobLocked at once, or after `wait` seconds;
        LockLost from a later unit when the server dropped the connection that held it.
        """

    def scrubbing(self) -> AbstractContextManager[None]:
        """Until its end, what units of this connection delete or replace is overwritten where the files are ours."""

    def empty_log(self, *, wait: float = 5.0) -> bool:
        """Rid the log of pages as they were before, where it is ours; False when readers kept it for `wait` seconds."""

    def close(self) -> None:
        """Give the connection back."""


def open_database(url: str, *, lock_wait: float = LOCK_WAIT) -> Database:
    """The database at `sqlite:///path` or `postgresql://…`; nothing is opened yet. Raises NotADatabaseUrl.

    The path is taken as it stands: `?`, `#`, `%` and blanks in it mean themselves.
    """
    if url.startswith("sqlite:///") and url != "sqlite:///":
        from shopctl.storage.sqlite import SqliteDatabase

        return SqliteDatabase(url.removeprefix("sqlite:///"), lock_wait=lock_wait)
    if url.startswith(("postgresql://", "postgres://")):
        from shopctl.storage.postgres import PostgresDatabase

        return PostgresDatabase(url, lock_wait=lock_wait)
    raise NotADatabaseUrl(url=mask_url(url))
