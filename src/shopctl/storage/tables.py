"""What every database keeps for itself: leases and sealing keys. The base classes of all tables stand here too.

Declared types are plain Python ones; what is stored has two kinds only. Text sorts by its bytes on both databases
(`collate "C"` on PostgreSQL, whatever its locale), integers have 64 bits, and a lone integer key numbers itself.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Identity, Index, Integer, MetaData, String, Table, Text, event, text
from sqlmodel import AutoString, Field, SQLModel

TEXT = Text().with_variant(Text(collation="C"), "postgresql")
# SQLite gives a rowid alias only to a column of the exact type INTEGER.
NUMBER = BigInteger().with_variant(Integer(), "sqlite")

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class ShopTable(SQLModel):
    """Base of every table in the shop database."""

    metadata = MetaData(naming_convention=NAMES)


class AuthTable(SQLModel):
    """Base of every table in the authentication database."""

    metadata = MetaData(naming_convention=NAMES)


@event.listens_for(Table, "after_parent_attach")
def _store_plainly(table: Table, metadata: MetaData) -> None:
    if metadata is not ShopTable.metadata and metadata is not AuthTable.metadata:
        return
    for column in table.columns:
        if isinstance(column.type, (String, AutoString)):
            column.type = TEXT
        elif isinstance(column.type, Integer):
            column.type = NUMBER
    if (number := table.autoincrement_column) is not None and number.server_default is None:
        Identity()._set_parent(number)


class _Lease(SQLModel):
    name: str = Field(primary_key=True)
    holder: str
    fence: int
    expires_at: int


class ShopLease(_Lease, ShopTable, table=True):
    """Who may do a job that only one process may do at a time, until when, and under which fencing number."""

    __tablename__ = "lease"


class AuthLease(_Lease, AuthTable, table=True):
    """The same in the authentication database."""

    __tablename__ = "lease"


class _SealingKey(SQLModel):
    id: str = Field(primary_key=True)
    purpose: str
    state: str
    kek_id: str
    wrapped: str
    created_at: int


def _one_active() -> tuple[Any, ...]:
    active = text("state = 'active'")
    return (Index("uq_sealing_key_purpose", "purpose", unique=True, sqlite_where=active, postgresql_where=active),)


class ShopSealingKey(_SealingKey, ShopTable, table=True):
    """A key of this database, wrapped: for its sealed columns, their blind indexes, or a named secret."""

    __tablename__ = "sealing_key"
    __table_args__ = _one_active()


class AuthSealingKey(_SealingKey, AuthTable, table=True):
    """The same in the authentication database."""

    __tablename__ = "sealing_key"
    __table_args__ = _one_active()


class OperatingMark(ShopTable, table=True):
    """What is remembered of how the shop is run: that it is paused since a restore, the last backup, the last drill."""

    __tablename__ = "operating_mark"

    name: str = Field(primary_key=True)
    at: int
    facts: str  # JSON object
