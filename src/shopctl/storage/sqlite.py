"""SQLite: one file, one fair queue of writers, WAL, and full synchronisation before a commit is acknowledged."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import chain, islice
from typing import Any, ClassVar
from urllib.parse import quote

from shopctl.storage import errors
from shopctl.storage.files import check_private, identity
from shopctl.storage.process_lock import file_lock, lock_file_error
from shopctl.storage.sqlite_errors import refuse_nul, translated
from shopctl.storage.turnstile import Turnstile
from shopctl.storage.unit import Constants, Dialect, Unit

_CACHE_KIB = 64 * 1024
_PAGE_BYTES = 8192  # half as many pages to log when an import adds SKUs all over their index
_CHECKPOINT_PAGES = 8000  # 64 MB of log: fewer, longer checkpoints
_NARROW = 8  # columns up to which several rows go into one statement
_TOGETHER = 50
_FETCH = 1000


class SqliteUnit(Unit):
    """A transaction on one `sqlite3` connection."""

    dialect: ClassVar[Dialect] = "sqlite"
    for_update: ClassVar[str] = ""
    for_claim: ClassVar[str] = ""

    def __init__(self, connection: sqlite3.Connection, place: str, *, writes: bool) -> None:
        self.connection: sqlite3.Connection = connection
        self.writes = writes
        self._place = place

    def stream(self, sql: str, **params: object) -> Iterator[tuple[Any, ...]]:
        refuse_nul(params)
        with self.translated():
            cursor = self.connection.execute(sql, params)
        while True:
            with self.translated():
                chunk = cursor.fetchmany(_FETCH)
            if not chunk:
                return
            yield from chunk

    def tuples(self, sql: str, **params: object) -> list[tuple[Any, ...]]:
        refuse_nul(params)
        with self.translated():
            return self.connection.execute(sql, params).fetchall()

    def execute(self, sql: str, **params: object) -> int:
        refuse_nul(params)
        with self.translated():
            return self.connection.execute(sql, params).rowcount

    def execute_many(self, sql: str, rows: Iterable[Mapping[str, object]]) -> None:
        with self.translated():
            self.connection.executemany(sql, rows)

    def insert_many(
        self,
        table: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[object]] | bytes,
        *,
        constants: Constants | None = None,
    ) -> None:
        # Binding is what costs: constants stand in the statement, and narrow rows go in fifty at a time.
        names = ",".join([*columns, *(constants or ())])
        values = ",".join(["?"] * len(columns) + [_literal(value) for value in (constants or {}).values()])
        single = f"insert into {table} ({names}) values ({values})"
        if isinstance(rows, bytes):
            raise TypeError("rows packed for another database")
        with self.translated():
            if len(columns) > _NARROW:
                self.connection.executemany(single, rows)
                return
            source = iter(rows)
            several = f"{single}{f',({values})' * (_TOGETHER - 1)}"
            while len(part := list(islice(source, _TOGETHER))) == _TOGETHER:
                self.connection.execute(several, tuple(chain.from_iterable(part)))
            self.connection.executemany(single, part)

    def each(self, parameter: str) -> str:
        return f"json_each(:{parameter}) as each"

    @contextmanager
    def unique_later(self, table: str, column: str) -> Iterator[Callable[[], bool]]:
        index = f"uq_{table}_{column}"
        unique = False

        def is_unique() -> bool:
            nonlocal unique
            try:
                self.execute(f"create unique index {index} on {table} ({column})")
            except errors.ConstraintBroken:
                self.execute(f"create index {index} on {table} ({column})")  # for those who look for the others
                return False
            unique = True
            return True

        self.execute(f"drop index {index}")
        yield is_unique
        if not unique:
            self.execute(f"drop index if exists {index}")
            self.execute(f"create unique index {index} on {table} ({column})")

    def tables(self) -> list[str]:
        own = "select name from sqlite_master where type = 'table' and name not like 'sqlite%' order by 1"
        found = self.tuples(own)
        return [name for (name,) in found]

    def translated(self) -> AbstractContextManager[None]:
        return translated(self._place)


class SqliteDatabase:
    """One database file. A connection is opened at the first unit and kept until `close`."""

    dialect: ClassVar[Dialect] = "sqlite"

    def __init__(self, path: str, *, lock_wait: float) -> None:
        self.place = os.path.abspath(path)
        self.lock_wait = lock_wait
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        # The locks stand beside the file itself, so that a link to it leads to the same ones (as SQLite does for -wal).
        self._file = os.path.realpath(path)
        self._turnstile = Turnstile(self._file)
        self._open = False

    def exists(self) -> bool:
        """Whether the file is there and holds anything."""
        return os.path.exists(self.place) and os.path.getsize(self.place) > 0

    def create(self) -> None:
        """Make an empty database file, private to its owner, in WAL mode; nothing happens when it is there."""
        try:
            os.close(os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except FileNotFoundError:
            raise errors.FolderMissing(folder=os.path.dirname(self.place)) from None
        except OSError as error:
            raise lock_file_error(error, self.place) from None
        connection = self.connect()
        with translated(self.place, self.lock_wait):
            mode = _journal(connection)
        if mode != "wal":
            with self._seated(self.lock_wait), translated(self.place, self.lock_wait):
                connection.execute(f"pragma page_size = {_PAGE_BYTES}")
                connection.execute("pragma journal_mode = wal").fetchall()

    def connect(self) -> sqlite3.Connection:
        """The connection of this process. Raises DatabaseMissing, PermissionsTooOpen and what `translated` names."""
        known = self._connection
        if known is not None and not known.in_transaction and self._identity != identity(self._file):
            self.close_connection()  # another file took its place: a backup was restored
        if self._connection is None:
            self._connection = self._connected()
            if self._identity != identity(self._file):  # in this very moment: the log may be that of the other
                self.close_connection()
                self._connection = self._connected()
        return self._connection

    def _connected(self) -> sqlite3.Connection:
        self._identity = identity(self._file)
        if self._identity is None:
            raise errors.DatabaseMissing(place=self.place)
        check_private(self._file)
        with translated(self.place, self.lock_wait):
            connection = _prepared(sqlite3.connect(self._file, isolation_level=None, timeout=self.lock_wait))
            if os.path.getsize(self._file) and _journal(connection) != "wal":
                self._switch_journal(connection, "wal")  # a first load was killed
        return connection

    @contextmanager
    def unit(self, *, dry_run: bool = False, wait: float | None = None) -> Iterator[SqliteUnit]:
        """A write transaction: committed at the end, rolled back on an error or when `dry_run`.

        It waits for its turn as long as the database was opened with, or at most `wait` seconds.
        """
        self.connect()
        with self._alone(), self._seated(self.lock_wait if wait is None else wait):
            connection = self.connect()  # again: a backup may have been restored while this one waited
            with translated(self.place, self.lock_wait):
                connection.execute("begin immediate")
            try:
                yield SqliteUnit(connection, self.place, writes=True)
                with translated(self.place, self.lock_wait):
                    connection.execute("rollback" if dry_run else "commit")
            finally:
                # SQLite has rolled back by itself after a full or failing disk.
                if connection.in_transaction:
                    connection.execute("rollback")

    @contextmanager
    def schema_unit(self) -> Iterator[SqliteUnit]:
        """A write unit in which tables may be rebuilt: references are checked at its end instead of on the way."""
        connection = self.connect()
        connection.execute("pragma foreign_keys = off")  # has an effect only outside a transaction
        try:
            with self.unit() as unit:
                self._require_same(connection)
                yield unit
                if broken := unit.value('select "table" from pragma_foreign_key_check limit 1'):
                    raise errors.SchemaBroken(table=broken)
        finally:
            connection.execute("pragma foreign_keys = on")

    def packed(self, rows: Sequence[Sequence[object]], constants: Constants) -> Sequence[Sequence[object]]:
        """See `database.Database`: as they are."""
        return rows

    @contextmanager
    def first_load(self, tables: Sequence[str]) -> Iterator[SqliteUnit]:
        """A write unit that fills an empty shop: written once instead of twice, and references are not checked.

        With a rollback journal new pages go straight to their place, where WAL writes them twice. That shuts readers
        out, so it is done only when no other process has the database open; otherwise the log stays.
        """
        connection = self.connect()
        connection.execute("pragma foreign_keys = off")  # has an effect only outside a transaction
        try:
            self._switch_journal(connection, "delete")
            with self.unit() as unit:
                self._require_same(connection)
                yield unit
        finally:
            self._switch_journal(connection, "wal")
            connection.execute("pragma foreign_keys = on")

    def _switch_journal(self, connection: sqlite3.Connection, mode: str) -> None:
        connection.execute("pragma busy_timeout = 0")
        try:
            connection.execute(f"pragma journal_mode = {mode}").fetchall()
        except sqlite3.OperationalError:
            pass  # somebody else has it open: as it is will do
        finally:
            connection.execute(f"pragma busy_timeout = {int(self.lock_wait * 1000)}")

    @contextmanager
    def read(self) -> Iterator[SqliteUnit]:
        """A snapshot: every read inside sees the same state, and blocks nobody."""
        with self._alone(), self._readable() as connection:
            try:
                yield SqliteUnit(connection, self.place, writes=False)
            finally:
                if connection.in_transaction:
                    connection.execute("rollback")

    def exclusive(self, name: str, *, wait: float = 0) -> AbstractContextManager[None]:
        """Be the only process that does the job `name`. Raises JobLocked."""
        return file_lock(self._file, name, wait=wait, place=self.place)

    @contextmanager
    def scrubbing(self) -> Iterator[None]:
        """See `database.Database`; SQLite otherwise leaves deleted bytes in the file until their place is used."""
        connection = self.connect()
        (before,) = connection.execute("pragma secure_delete").fetchone()
        connection.execute("pragma secure_delete = on").fetchall()
        try:
            yield
        finally:
            connection.execute(f"pragma secure_delete = {before}").fetchall()

    def empty_log(self, *, wait: float = 5.0) -> bool:
        """See `database.Database`; every page is in the database file before the log is cut to nothing."""
        self.connect()
        with self._alone(), self.seated():
            return self.checkpoint(wait=wait)

    def checkpoint(self, *, wait: float = 5.0) -> bool:
        """Bring every page of the log into the database file and cut the log to nothing; for who is seated.

        False when readers kept it for `wait` seconds.
        """
        connection = self.connect()
        with translated(self.place, self.lock_wait):
            connection.execute(f"pragma busy_timeout = {int(wait * 1000)}")
            try:
                (busy, _, _) = connection.execute("pragma wal_checkpoint(truncate)").fetchone()
            finally:
                connection.execute(f"pragma busy_timeout = {int(self.lock_wait * 1000)}")
        return not busy

    def seated(self) -> AbstractContextManager[None]:
        """Keep all other writers out, without a transaction. Raises DatabaseLocked."""
        return self._seated(self.lock_wait)

    def close(self) -> None:
        """Close the connection; the next unit opens another."""
        self.close_connection()
        self._turnstile.close()

    def close_connection(self) -> None:
        """The same, but stay in the queue of writers."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _require_same(self, connection: sqlite3.Connection) -> None:
        if self._connection is not connection:
            raise errors.ConcurrentChange(reason="a backup was restored")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self._open:
            raise errors.UnitOpen(place=self.place)
        self._open = True
        try:
            yield
        finally:
            self._open = False

    @contextmanager
    def _seated(self, wait: float) -> Iterator[None]:
        if not self._turnstile.enter(time.monotonic() + wait):
            raise errors.DatabaseLocked(place=self.place, seconds=wait)
        try:
            yield
        finally:
            self._turnstile.leave()

    @contextmanager
    def _readable(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self.connect()
            self._begin_reading(connection)
        except (errors.DatabaseUnreachable, errors.DatabaseReadOnly):
            self.close()
            with self._read_only() as connection:
                yield connection
            return
        yield connection

    def _begin_reading(self, connection: sqlite3.Connection) -> None:
        try:
            with translated(self.place, self.lock_wait):
                connection.execute("begin")
                # The snapshot is that of the first read; this one also finds out whether the file can be read at all.
                connection.execute("select 1 from sqlite_master limit 1").fetchall()
        except BaseException:
            if connection.in_transaction:
                connection.execute("rollback")
            raise

    @contextmanager
    def _read_only(self) -> Iterator[sqlite3.Connection]:
        """Read a database on a read-only medium, where SQLite can make no shared memory beside it.

        `immutable` takes no locks, so it is right only while nobody writes: no WAL, and the same file afterwards.
        """
        wal = self._file + "-wal"
        if os.path.isdir(self._file) or (os.path.exists(wal) and os.path.getsize(wal)):
            raise errors.DatabaseReadOnly(place=self.place)
        before = os.stat(self._file)
        uri = f"file:{quote(self._file)}?mode=ro&immutable=1"
        with translated(self.place, self.lock_wait):
            connection = _prepared(sqlite3.connect(uri, uri=True, isolation_level=None))
            connection.execute("begin")
        try:
            yield connection
        finally:
            connection.close()
        after = os.stat(self._file)
        if (before.st_ino, before.st_mtime_ns) != (after.st_ino, after.st_mtime_ns) or os.path.exists(wal):
            raise errors.ConcurrentChange(reason="the file was written while it was read without locks")


def _journal(connection: sqlite3.Connection) -> str:
    (mode,) = connection.execute("pragma journal_mode").fetchone()
    return str(mode)


def _prepared(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.execute("pragma foreign_keys = on")
    connection.execute("pragma synchronous = full")
    connection.execute(f"pragma cache_size = -{_CACHE_KIB}")
    connection.execute("pragma temp_store = memory")
    connection.execute("pragma threads = 2")  # an index over a large table is sorted by two
    connection.execute(f"pragma wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    return connection


def _literal(value: int | str | None) -> str:
    if value is None:
        return "null"
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"
