"""Tables with sealed columns, and key-encryption keys that tests exchange."""

from __future__ import annotations

import os
from collections.abc import Iterable

from shopctl.migrations.both_sealing import create_sealing_keys
from shopctl.migrations.upgrade import _operations
from shopctl.storage.database import Database
from shopctl.storage.key_encryption import KeyEncryptionKeys, SoftwareKey
from shopctl.storage.sealed_text import Place
from shopctl.storage.sealing import SealedColumn, Sealer
from shopctl.storage.unit import Unit

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
