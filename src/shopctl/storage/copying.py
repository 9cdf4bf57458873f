"""Copying all rows of one database into another, in one transaction and compared row by row with the source."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from shopctl.storage.database import Database
from shopctl.storage.errors import CopyDiffers, TargetNotEmpty
from shopctl.storage.table_sums import VERSION_TABLE, RowSum, Table, tables_of
from shopctl.storage.unit import Unit

Progress = Callable[[str, int], None]


class Copied(NamedTuple):
    """A table that was copied: its rows, and the sum of their hashes (BLAKE2b, modulo 2^128), alike on both sides."""

    table: str
    rows: int
    checksum: str


def copy(source: Database, target: Database, progress: Progress) -> list[Copied]:
    """Copy every row of a database at the same schema as the target's; nothing is kept when anything fails.

    The source takes no writes meanwhile, so the copy is the last word; its readers go on. Raises TargetNotEmpty,
    CopyDiffers, and TextInvalid for text that the target cannot keep.
    """
    with target.read() as unit:
        _refuse_rows(unit, target.place)
    # A write unit that changes nothing: it keeps other writers out and is rolled back.
    with source.unit(dry_run=True) as reading, target.unit() as writing:
        tables = tables_of(reading)
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


def _copy_table(reading: Unit, writing: Unit, table: Table, progress: Progress) -> Copied:
    expected, copied = RowSum(), RowSum()

    def rows() -> Iterator[tuple[Any, ...]]:
        for row in reading.stream(table.query):
            expected.add(row)
            if expected.rows % 1000 == 0:
                progress(table.name, expected.rows)
            yield row

    writing.insert_many(table.name, [f'"{column}"' for column in table.columns], rows())
    for row in writing.stream(table.query):
        copied.add(row)
    if (expected.rows, expected.total) != (copied.rows, copied.total):
        raise CopyDiffers(table=table.name, source=expected.rows, copy=copied.rows)
    if table.own_number:
        _go_on_numbering(reading, writing, table.name, table.own_number)
    progress(table.name, expected.rows)
    return Copied(table.name, expected.rows, expected.checksum)


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


def _keep_writers_out(unit: Unit, tables: list[Table]) -> None:
    if unit.dialect == "postgres":
        unit.execute(f"lock table {', '.join(table.name for table in tables)} in share mode")


def _parents_first(tables: list[Table]) -> list[Table]:
    """The tables in an order in which every reference leads to rows that are there already."""
    waiting, ordered = list(tables), list[Table]()
    while waiting:
        placed = {table.name for table in ordered}
        ready = [table for table in waiting if table.refers_to <= placed]
        assert ready, "tables refer to each other in a circle"
        ordered += ready
        waiting = [table for table in waiting if table not in ready]
    return ordered
