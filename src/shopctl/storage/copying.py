"""Copying all rows of one database into another, in one transaction and compared row by row with the source."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any, NamedTuple

from shopctl.storage.database import Database
from shopctl.storage.errors import CopyDiffers, TargetNotEmpty
from shopctl.storage.unit import Unit

VERSION_TABLE = "schema_version"
# The transaction that wrote a change, by the server's own count: in the copy it is the copying transaction.
_LEFT_OUT = ("xid",)
_SUM = 1 << 128

Progress = Callable[[str, int], None]


class Copied(NamedTuple):
    """A table that was copied: its rows, and the sum of their hashes (BLAKE2b, modulo 2^128), alike on both sides."""

    table: str
    rows: int
    checksum: str


class _Table(NamedTuple):
    name: str
    columns: tuple[str, ...]
    refers_to: frozenset[str]
    own_number: str | None


def copy(source: Database, target: Database, progress: Progress) -> list[Copied]:
    """Copy every row of a database at the same schema as the target's; nothing is kept when anything fails.

    The source takes no writes meanwhile, so the copy is the last word; its readers go on. Raises TargetNotEmpty,
    CopyDiffers, and TextInvalid for text that the target cannot keep.
    """
    with target.read() as unit:
        _refuse_rows(unit, target.place)
    # A write unit that changes nothing: it keeps other writers out and is rolled back.
    with source.unit(dry_run=True) as reading, target.unit() as writing:
        tables = _tables(reading)
        _keep_writers_out(reading, tables)
        _refuse_rows(writing, target.place)
        return [_copy_table(reading, writing, table, progress) for table in _parents_first(tables)]


def _refuse_rows(unit: Unit, place: str) -> None:
    for table in _with_rows(unit):
        raise TargetNotEmpty(place=place, table=table)


def _with_rows(unit: Unit) -> Iterator[str]:
    for table in unit.tables():
        if table != VERSION_TABLE and unit.value(f"select 1 from {table} limit 1"):
            yield table


def _copy_table(reading: Unit, writing: Unit, table: _Table, progress: Progress) -> Copied:
    columns = ", ".join(f'"{column}"' for column in table.columns)
    query = f"select {columns} from {table.name}"
    expected, copied = _Sum(), _Sum()

    def rows() -> Iterator[tuple[Any, ...]]:
        for row in reading.stream(query):
            expected.add(row)
            if expected.rows % 1000 == 0:
                progress(table.name, expected.rows)
            yield row

    writing.insert_many(table.name, [f'"{column}"' for column in table.columns], rows())
    for row in writing.stream(query):
        copied.add(row)
    if (expected.rows, expected.total) != (copied.rows, copied.total):
        raise CopyDiffers(table=table.name, source=expected.rows, copy=copied.rows)
    if table.own_number:
        _go_on_numbering(reading, writing, table.name, table.own_number)
    progress(table.name, expected.rows)
    return Copied(table.name, expected.rows, f"{expected.total:032x}")


class _Sum:
    """Adds up hashes, since the two databases return rows in different orders."""

    def __init__(self) -> None:
        self.rows = 0
        self.total = 0

    def add(self, row: tuple[Any, ...]) -> None:
        self.rows += 1
        digest = blake2b(repr(row).encode("utf-8", "surrogatepass"), digest_size=16).digest()
        self.total = (self.total + int.from_bytes(digest)) % _SUM


def _go_on_numbering(reading: Unit, writing: Unit, table: str, column: str) -> None:
    """Never give out a number again that the source gave out once, even for a row that is gone."""
    given = max(_last_number(reading, table, column), 1)
    if writing.dialect == "postgres":
        used = "exists (select 1 from {table})".format(table=table)  # noqa: UP032
        writing.value(
            f"select setval(pg_get_serial_sequence('{table}', '{column}'), :given, :given > 1 or {used})", given=given
        )
    elif writing.value("select 1 from sqlite_master where name = :name and sql like '%autoincrement%'", name=table):
        writing.execute("delete from sqlite_sequence where name = :name", name=table)
        if given > 1 or writing.value(f"select 1 from {table} limit 1"):
            writing.execute("insert into sqlite_sequence (name, seq) values (:name, :given)", name=table, given=given)


def _last_number(unit: Unit, table: str, column: str) -> int:
    highest = unit.value(f"select max({column}) from {table}") or 0
    if unit.dialect == "postgres":
        sequence = unit.value("select pg_get_serial_sequence(:table, :column)", table=table, column=column)
        given = unit.value(f"select case when is_called then last_value else 0 end from {sequence}")
    elif unit.value("select 1 from sqlite_master where name = 'sqlite_sequence'"):
        given = unit.value("select seq from sqlite_sequence where name = :table", table=table) or 0
    else:
        given = 0
    return int(max(highest, given))


def _keep_writers_out(unit: Unit, tables: list[_Table]) -> None:
    if unit.dialect == "postgres":
        unit.execute(f"lock table {', '.join(table.name for table in tables)} in share mode")


def _tables(unit: Unit) -> list[_Table]:
    if unit.dialect == "postgres":
        columns = """select column_name::text, is_identity = 'YES' from information_schema.columns
                      where table_schema = current_schema() and table_name = :table order by ordinal_position"""
        references = """select confrelid::regclass::text from pg_constraint
                         where contype = 'f' and conrelid = cast(cast(:table as text) as regclass)"""
    else:
        # The rowid's own alias is a lone key of the type INTEGER.
        columns = """select name, pk = 1 and upper(type) = 'INTEGER'
                            and (select count(*) from pragma_table_info(:table) where pk > 0) = 1
                       from pragma_table_info(:table) order by cid"""
        references = 'select "table" from pragma_foreign_key_list(:table)'
    tables = []
    for name in unit.tables():
        if name == VERSION_TABLE:
            continue
        found = [column for column in unit.tuples(columns, table=name) if column[0] not in _LEFT_OUT]
        own = next((column for column, numbers_itself in found if numbers_itself), None)
        refers_to = frozenset(other for (other,) in unit.tuples(references, table=name)) - {name}
        tables.append(_Table(name, tuple(column for column, _ in found), refers_to, own))
    return tables


def _parents_first(tables: list[_Table]) -> list[_Table]:
    """The tables in an order in which every reference leads to rows that are there already."""
    waiting, ordered = list(tables), list[_Table]()
    while waiting:
        placed = {table.name for table in ordered}
        ready = [table for table in waiting if table.refers_to <= placed]
        assert ready, "tables refer to each other in a circle"
        ordered += ready
        waiting = [table for table in waiting if table not in ready]
    return ordered
