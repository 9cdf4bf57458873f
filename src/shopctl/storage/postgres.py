"""PostgreSQL over psycopg: explicit transactions, server-side prepared statements, COPY for many rows."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

from shopctl.kernel.redaction import mask_url
from shopctl.storage import errors
from shopctl.storage.copy_text import copy_text
from shopctl.storage.postgres_errors import translated
from shopctl.storage.process_lock import PAUSE, check_name
from shopctl.storage.unit import Constants, Dialect, Unit

if TYPE_CHECKING:
    import psycopg

# A quoted string, a cast, or a parameter: only the last is to be replaced.
_TOKEN = re.compile(r"'[^']*'|::|:([a-z_][a-z0-9_]*)|%")
_FETCH = 2000
_TOGETHER = 500  # rows of a COPY
_WRITE = "begin isolation level read committed read write"
_READ = "begin isolation level repeatable read read only"
_HOLD_KEY = "hashtextextended('shopctl hold ' || :key, 0)"
# A migration waits so long for a table, and everybody who comes later waits behind it; then it steps back.
_SCHEMA_LOCK_TIMEOUT = "2s"
_SCHEMA_STATEMENT_TIMEOUT = "15min"


@lru_cache(maxsize=512)
def psycopg_sql(sql: str) -> bytes:
    """`:name` as psycopg's `%(name)s`, a literal `%` doubled."""

    def replace(token: re.Match[str]) -> str:
        if token[1]:
            return f"%({token[1]})s"
        return token[0].replace("%", "%%")

    return _TOKEN.sub(replace, sql).encode()


class PostgresUnit(Unit):
    """A transaction on one psycopg connection."""

    dialect: ClassVar[Dialect] = "postgres"
    for_update: ClassVar[str] = "for update"
    for_claim: ClassVar[str] = "for update skip locked"

    def __init__(self, connection: psycopg.Connection[Any], place: str, lock_wait: float, *, writes: bool) -> None:
        self.connection: psycopg.Connection[Any] = connection
        self.writes = writes
        self._place = place
        self._lock_wait = lock_wait
        self._cursors = 0
        self.alone = False  # whether nobody else can look at the tables of a first load

    def stream(self, sql: str, **params: object) -> Iterator[tuple[Any, ...]]:
        self._cursors += 1
        with self.translated():
            cursor = self.connection.cursor(name=f"c{self._cursors}")
        try:
            with self.translated():
                cursor.execute(psycopg_sql(sql), params)
            while True:
                with self.translated():
                    chunk = cursor.fetchmany(_FETCH)
                if not chunk:
                    return
                yield from chunk
        finally:
            with self.translated():  # it asks the server, which may be gone by now
                cursor.close()

    def tuples(self, sql: str, **params: object) -> list[tuple[Any, ...]]:
        with self.translated():
            return self.connection.execute(psycopg_sql(sql), params).fetchall()

    def execute(self, sql: str, **params: object) -> int:
        with self.translated():
            return self.connection.execute(psycopg_sql(sql), params).rowcount

    def execute_many(self, sql: str, rows: Iterable[Mapping[str, object]]) -> None:
        with self.translated(), self.connection.cursor() as cursor:
            cursor.executemany(psycopg_sql(sql), rows)

    def insert_many(
        self,
        table: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[object]] | bytes,
        *,
        constants: Constants | None = None,
    ) -> None:
        names = ",".join([*columns, *(constants or ())])
        same = tuple((constants or {}).values())
        with (
            self.translated(),
            self.connection.cursor() as cursor,
            cursor.copy(f"copy {table} ({names}) from stdin".encode()) as copy,
        ):
            if isinstance(rows, bytes):
                copy.write(rows)
                return
            source = iter(rows)
            while part := list(islice(source, _TOGETHER)):
                if any(bytes in map(type, row) for row in part):  # which only psycopg knows to write
                    for row in part:
                        copy.write_row((*row, *same))
                else:
                    copy.write(copy_text(part, same))

    def each(self, parameter: str) -> str:
        return f"jsonb_array_elements(cast(:{parameter} as jsonb)) as each(value)"

    def analyze(self, *tables: str) -> None:
        self.execute("set local default_statistics_target = 10")  # 3,000 rows tell enough, until autovacuum looks
        self.execute(f"analyze {', '.join(tables)}")
        self.execute("set local default_statistics_target to default")

    def hold_together(self, name: str) -> None:
        if self.writes:
            self.execute(f"select pg_advisory_xact_lock_shared({_HOLD_KEY})", key=name)

    def hold_alone(self, name: str) -> None:
        self.execute(f"select pg_advisory_xact_lock({_HOLD_KEY})", key=name)

    @contextmanager
    def unique_later(self, table: str, column: str) -> Iterator[Callable[[], bool]]:
        name = f"uq_{table}_{column}"
        if not self.alone:
            # Dropping the index would lock out every reader; a deferred constraint keeps it and checks at the end.
            self.execute(f"set constraints {name} deferred")
            repeated = f"select 1 from {table} group by {column} having count(*) > 1 limit 1"
            yield lambda: self.value(repeated) is None
            self.execute(f"set constraints {name} immediate")
            return
        definition = self.value(
            """select pg_get_constraintdef(oid) from pg_constraint
                where conname = :name and conrelid = cast(:table as regclass)""",
            name=name,
            table=table,
        )
        add = f"alter table {table} add constraint {name} {definition}"
        unique = False

        def is_unique() -> bool:
            nonlocal unique
            try:
                with self.connection.transaction():
                    self.execute(add)
            except errors.ConstraintBroken:
                return False
            unique = True
            return True

        self.execute(f"alter table {table} drop constraint {name}")
        yield is_unique
        if not unique:
            self.execute(add)

    def tables(self) -> list[str]:
        found = self.tuples(
            """select relname::text from pg_class where relkind in ('r', 'p') and not relispartition
                  and relnamespace = current_schema()::regnamespace order by 1"""
        )
        return [name for (name,) in found]

    def translated(self) -> AbstractContextManager[None]:
        return translated(self._place, self._lock_wait)


class PostgresDatabase:
    """One database of a server. A connection is opened at the first unit and kept until `close`."""

    dialect: ClassVar[Dialect] = "postgres"

    def __init__(self, url: str, *, lock_wait: float) -> None:
        self.url = url
        self.place = mask_url(url)
        self.lock_wait = lock_wait
        self._connection: psycopg.Connection[Any] | None = None
        self._jobs: list[str] = []
        self._open = False

    def exists(self) -> bool:
        """Whether the server answers and the database is there."""
        try:
            self.connect()
        except errors.DatabaseMissing:
            return False
        return True

    def create(self) -> None:
        """Nothing to do: a database is made by whoever owns the server. Raises NoSuchDatabase."""
        self.connect()

    def connect(self) -> psycopg.Connection[Any]:
        """The connection of this process. Raises DriverMissing, NotADatabaseUrl, DatabaseUnreachable, LockLost."""
        if self._connection is None or self._connection.closed:
            if self._jobs:
                raise errors.LockLost(place=self.place, name=self._jobs[-1])
            self._connection = _connected(self.url, self.place, self.lock_wait)
        return self._connection

    @contextmanager
    def unit(self, *, dry_run: bool = False, wait: float | None = None) -> Iterator[PostgresUnit]:
        """A write transaction: committed at the end, rolled back on an error or when `dry_run`.

        It begins at once, whoever else writes, so that there is nothing to `wait` for.
        """
        with self._transaction(_WRITE, "rollback" if dry_run else "commit") as unit:
            yield unit

    def packed(self, rows: Sequence[Sequence[object]], constants: Constants) -> bytes:
        """See `database.Database`: the text of a COPY."""
        return copy_text(rows, tuple(constants.values()))

    @contextmanager
    def first_load(self, tables: Sequence[str]) -> Iterator[PostgresUnit]:
        """See `database.Database`; a unit like any other where somebody else owns the tables or is looking at them."""
        from shopctl.storage.postgres_loading import set_aside

        with self.unit() as unit, set_aside(unit, tables) as unit.alone:
            yield unit

    @contextmanager
    def schema_unit(self) -> Iterator[PostgresUnit]:
        """A write unit whose statements do not wait long for tables that others use."""
        with self.unit() as unit:
            unit.execute(f"set local lock_timeout = '{_SCHEMA_LOCK_TIMEOUT}'")
            unit.execute(f"set local statement_timeout = '{_SCHEMA_STATEMENT_TIMEOUT}'")
            yield unit

    @contextmanager
    def read(self) -> Iterator[PostgresUnit]:
        """A snapshot: every read inside sees the same state, and blocks nobody."""
        with self._transaction(_READ, "rollback") as unit:
            yield unit

    @contextmanager
    def exclusive(self, name: str, *, wait: float = 0) -> Iterator[None]:
        """Be the only process that does the job `name`. Raises JobLocked.

        The lock is the session's: the server frees it when this process dies. A pooler must keep sessions apart.
        """
        check_name(name)
        key = f"shopctl {name}"
        deadline = time.monotonic() + wait
        while not self._session_value("select pg_try_advisory_lock(hashtextextended(:key, 0))", key):
            if time.monotonic() >= deadline:
                raise errors.JobLocked(name=name, place=self.place, holder="another process")
            time.sleep(PAUSE)
        self._jobs.append(name)
        try:
            yield
        finally:
            self._jobs.remove(name)
            if self._connection is not None and not self._connection.closed:
                self._session_value("select pg_advisory_unlock(hashtextextended(:key, 0))", key)

    def scrubbing(self) -> AbstractContextManager[None]:
        """Nothing to do: the files are the server's, and its vacuum reuses what was deleted."""
        return nullcontext()

    def empty_log(self, *, wait: float = 5.0) -> bool:
        """Nothing to do: the log is the server's."""
        return True

    def close(self) -> None:
        """Close the connection; the next unit opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _session_value(self, sql: str, key: str) -> Any:
        connection = self.connect()
        with translated(self.place, self.lock_wait):
            row = connection.execute(psycopg_sql(sql), {"key": key}).fetchone()
        return row and row[0]

    @contextmanager
    def _transaction(self, begin: str, end: str) -> Iterator[PostgresUnit]:
        if self._open:
            raise errors.UnitOpen(place=self.place)
        connection = self._begun(begin)
        self._open = True
        try:
            yield PostgresUnit(connection, self.place, self.lock_wait, writes=begin == _WRITE)
            with translated(self.place, self.lock_wait):
                # A transaction in which a statement failed answers COMMIT with ROLLBACK, and that is no error to it.
                if connection.execute(end.encode()).statusmessage != end.upper():
                    raise errors.StatementFailed(reason="a failed transaction cannot be committed")
        except BaseException:
            self._roll_back(connection)
            raise
        finally:
            self._open = False

    def _begun(self, begin: str) -> psycopg.Connection[Any]:
        reused = self._connection is not None
        connection = self.connect()
        try:
            with translated(self.place, self.lock_wait):
                connection.execute(begin.encode())
        except errors.DatabaseUnreachable:
            # The server was restarted since the last unit: nothing was begun, so it is safe to connect again.
            if not (reused and connection.closed):
                raise
            connection = self.connect()
            with translated(self.place, self.lock_wait):
                connection.execute(begin.encode())
        return connection

    def _roll_back(self, connection: psycopg.Connection[Any]) -> None:
        from psycopg import Error
        from psycopg.pq import TransactionStatus

        if connection.closed or connection.info.transaction_status is TransactionStatus.IDLE:
            return
        try:
            connection.execute(b"rollback")
        except Error:
            connection.close()  # the server rolls back what a lost connection left open


def _connected(url: str, place: str, lock_wait: float) -> psycopg.Connection[Any]:
    try:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict
    except ImportError:
        raise errors.DriverMissing() from None
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise errors.NotADatabaseUrl(url=place) from None  # libpq's own words may quote the password (S18)
    if "@" in str(parts.get("host") or ""):
        raise errors.NotADatabaseUrl(url=place)  # a raw '@' in the password: its rest was taken for the host
    options: dict[str, Any] = {
        "connect_timeout": 10,
        "application_name": "shopctl",
        **parts,
        "client_encoding": "utf8",
    }
    with translated(place):
        connection = psycopg.connect(autocommit=True, **options)
        connection.execute(f"set lock_timeout = {int(lock_wait * 1000)}".encode())
    return connection
