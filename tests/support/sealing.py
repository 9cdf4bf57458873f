"""Tables with sealed columns, and key-encryption keys that tests exchange."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from shopctl.migrations.both_sealing import create_sealing_keys
from shopctl.migrations.upgrade import _operations
from shopctl.storage.database import Database, open_database
from shopctl.storage.key_encryption import KeyEncryptionKeys, SoftwareKey
from shopctl.storage.resealing import reseal
from shopctl.storage.sealed_text import Place
from shopctl.storage.sealing import SealedColumn, Sealer
from shopctl.storage.unit import Unit
from support import points

COLUMNS = (
    SealedColumn("person", "id", "email", "email_index", str.lower),
    SealedColumn("person", "id", "phone"),
    SealedColumn("token", "number", "value"),
)


class Held:
    """What stands for the settings: the key-encryption keys at hand, and how often they were fetched."""

    def __init__(self, *keks: SoftwareKey) -> None:
        self.keks = keks or (SoftwareKey(os.urandom(32)),)
        self.fetched = 0

    def __call__(self) -> KeyEncryptionKeys:
        self.fetched += 1
        return KeyEncryptionKeys(*self.keks)


def make_tables(database: Database) -> None:
    """Make the tables, and that of the keys where the schema does not have it."""
    with database.schema_unit() as unit:
        if "sealing_key" not in unit.tables():
            with _operations(unit):
                create_sealing_keys()
        unit.execute(
            """create table person (id text primary key, email text, email_index text unique, phone text,
                                    note text not null)"""
        )
        unit.execute("create table token (number bigint primary key, value text not null)")
    database.close()


def add_people(unit: Unit, sealer: Sealer, names: Iterable[str]) -> None:
    """A row for each name: its address sealed and indexed; only every second has a telephone."""
    for count, name in enumerate(names):
        email = f"{name}@Example.com"
        unit.execute(
            "insert into person (id, email, email_index, phone, note) values (:id, :email, :index, :phone, '')",
            id=name,
            email=sealer.seal(unit, Place("person", "email", name), email),
            index=sealer.index(unit, "person", "email", email),
            phone=sealer.seal(unit, Place("person", "phone", name), f"+49 {name}") if count % 2 else None,
        )


def email_of(unit: Unit, sealer: Sealer, name: str) -> str:
    """The address in a row, opened."""
    sealed = unit.value("select email from person where id = :id", id=name)
    return sealer.open(unit, Place("person", "email", name), sealed)


def found_by_email(unit: Unit, sealer: Sealer, email: str) -> str | None:
    """Whose address it is, by its blind index."""
    for index in sealer.indexes(unit, "person", "email", email):
        if found := unit.value("select id from person where email_index = :index", index=index):
            return str(found)
    return None


def assert_all_open(unit: Unit, sealer: Sealer, names: list[str]) -> None:
    """Every cell of these rows opens, and each is found by its address."""
    for name in names:
        assert email_of(unit, sealer, name) == f"{name}@Example.com"
        assert found_by_email(unit, sealer, f"{name}@example.com") == name
        if phone := unit.value("select phone from person where id = :id", id=name):
            assert sealer.open(unit, Place("person", "phone", name), phone).startswith("+")


def everything_stored(database: Database, url: str) -> bytes:
    """Every byte in the files of a SQLite database and beside it; all rows of all tables as text on PostgreSQL."""
    if url.startswith("sqlite"):
        folder = Path(url.removeprefix("sqlite:///")).parent
        return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
    with database.read() as unit:
        return "\n".join(
            row for table in unit.tables() for (row,) in unit.tuples(f"select cast(t.* as text) from {table} t")
        ).encode()


def reseal_in_child(url: str, sealer: Sealer, kek: SoftwareKey, point: int) -> int:
    """Reseal in a process of its own, which is killed at that point (0: never); the points that it passed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.environ["SHOPCTL_TEST_POINT"] = str(point)
            points.instrument()
            with closing(open_database(url)) as database:
                reseal(database, sealer, kek=kek)
            os.write(writing, str(points.PASSED).encode())
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    ended = os.waitstatus_to_exitcode(status)
    assert ended == (-signal.SIGKILL if point else 0)
    return int(told or b"0")


def point_count(url: str, sealer: Sealer, kek: SoftwareKey) -> int:
    """How many points a whole reseal passes."""
    return reseal_in_child(url, sealer, kek, 0)
