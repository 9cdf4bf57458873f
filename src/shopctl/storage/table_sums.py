"""Tables as both databases see them, and a sum over their rows that tells two copies apart."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, NamedTuple

from shopctl.storage.unit import Unit

VERSION_TABLE = "schema_version"
# The transaction that wrote a change, by the server's own count: in a copy it is the copying transaction.
OWN_TO_A_SERVER = ("xid",)
_MODULUS = 1 << 128


class TableSum(NamedTuple):
    """The rows of a table, and the sum of their hashes (BLAKE2b, modulo 2^128) in hexadecimal."""

    rows: int
    checksum: str


class Table(NamedTuple):
    """A table: its columns in their order but for those of a server's own, whom it refers to, what numbers its rows."""

    name: str
    columns: tuple[str, ...]
    refers_to: frozenset[str]
    own_number: str | None

    @property
    def query(self) -> str:
        """All its rows."""
        columns = ", ".join(f'"{column}"' for column in self.columns)
        return f"select {columns} from {self.name}"


class RowSum:
    """Adds up hashes, since two databases return rows in different orders."""

    def __init__(self) -> None:
        self.rows = 0
        self.total = 0

    def add(self, row: tuple[Any, ...]) -> None:
        """Count a row in."""
        self.rows += 1
        digest = blake2b(repr(row).encode("utf-8", "surrogatepass"), digest_size=16).digest()
        self.total = (self.total + int.from_bytes(digest)) % _MODULUS

    @property
    def checksum(self) -> str:
        """The sum so far, in hexadecimal."""
        return f"{self.total:032x}"


def table_sums(unit: Unit) -> dict[str, TableSum]:
    """The sum of every table, by its name; the note of the schema's version is none of them."""
    sums = {}
    for table in tables_of(unit):
        found = RowSum()
        for row in unit.stream(table.query):
            found.add(row)
        sums[table.name] = TableSum(found.rows, found.checksum)
    return sums


def tables_of(unit: Unit) -> list[Table]:
    """All tables but the note of the schema's version."""
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
        found = [column for column in unit.tuples(columns, table=name) if column[0] not in OWN_TO_A_SERVER]
        own = next((column for column, numbers_itself in found if numbers_itself), None)
        refers_to = frozenset(other for (other,) in unit.tuples(references, table=name)) - {name}
        tables.append(Table(name, tuple(column for column, _ in found), refers_to, own))
    return tables
