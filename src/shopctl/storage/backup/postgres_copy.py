"""Putting what pg_dump wrote in the place of a PostgreSQL database, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from shopctl.storage import migrations
from shopctl.storage.backup.checks import Check
from shopctl.storage.backup.errors import OtherNamespace
from shopctl.storage.backup.pg_script import statements
from shopctl.storage.database import Database
from shopctl.storage.errors import NotEmpty, OtherChain
from shopctl.storage.migrations import Chain
from shopctl.storage.table_sums import OWN_TO_A_SERVER, VERSION_TABLE
from shopctl.storage.unit import Unit


@contextmanager
def restored(
    database: Database, chain: Chain, namespace: str | None, source: Iterable[bytes], check: Check
) -> Iterator[Unit]:
    """See `restoring.restored`: the tables that are there are dropped and made anew in a transaction."""
    try:
        with database.unit() as unit:
            _require_ours(unit, database.place, chain, namespace)
            if tables := unit.tables():
                names = ", ".join(f'"{table}"' for table in tables)
                unit.execute(f"drop table {names} cascade")
            _load(unit, source)
            check(unit)
            _forget_transactions(unit)
            unit.analyze(*(f'"{table}"' for table in unit.tables()))
            migrations.upgrade_within(unit, database, chain)
            yield unit
    finally:
        database.close()  # SQLAlchemy has left its own types on the connection


def _require_ours(unit: Unit, place: str, chain: Chain, namespace: str | None) -> None:
    """Refuse to drop what shopctl did not make. Raises NotEmpty, OtherChain, OtherNamespace."""
    here = unit.value("select current_schema()::text")
    if here != namespace:
        raise OtherNamespace(found=namespace, wanted=here, place=place)
    tables = unit.tables()
    if VERSION_TABLE not in tables:
        if tables:
            raise NotEmpty(place=place, table=tables[0])
        return
    found = unit.value(f"select chain from {VERSION_TABLE}")
    if found != chain:
        raise OtherChain(place=place, found=found, wanted=chain)


def _load(unit: Unit, source: Iterable[bytes]) -> None:
    with unit.translated():
        for each in statements(source):
            if each.table is None:
                unit.connection.execute(each.sql)
                continue
            with unit.connection.cursor() as cursor, cursor.copy(each.sql) as copy:
                for rows in each.rows:
                    copy.write(rows)


def _forget_transactions(unit: Unit) -> None:
    """Readers wait for transactions above the server's own count: those of another server would never be seen."""
    columns = unit.tuples(
        """select table_name::text, column_name::text from information_schema.columns
            where table_schema = current_schema() and column_name = any(string_to_array(:names, ','))""",
        names=",".join(OWN_TO_A_SERVER),
    )
    now = unit.value("select cast(cast(pg_current_xact_id() as text) as bigint)")
    for table, column in columns:
        unit.execute(f'update "{table}" set "{column}" = :now where "{column}" > :now', now=now)
