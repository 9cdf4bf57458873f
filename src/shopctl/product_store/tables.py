"""Where product instances and their history are stored, in the shop's database.

Both are partitioned on PostgreSQL: instances by the hash of their customer, whose instances then lie together, and the
history by the hash of its instance.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Index, PrimaryKeyConstraint, Table, event, text
from sqlmodel import Field

from shopctl.storage.tables import ShopTable

PARTITIONS = 16


def _given(name: str, column: str) -> Index:
    there = text(f"{column} is not null")
    return Index(name, column, sqlite_where=there, postgresql_where=there)


class Instance(ShopTable, table=True):
    """A product that a customer has: all that a list or a page about it shows stands in its row.

    Lists are newest first, and ids are in the order of time: every index by which lists are chosen goes on with the id.
    """

    __table_args__ = (
        PrimaryKeyConstraint("customer_id", "id"),
        Index("ix_instance_id", "id"),
        Index("ix_instance_sku", "sku", "id"),
        Index("ix_instance_sku_state", "sku", "state", "id"),
        Index("ix_instance_state", "state", "id"),
        _given("ix_instance_parent_id", "parent_id"),
        _given("ix_instance_purchase_id", "purchase_id"),
        # Without its list of pending entries, which every question would read through in each partition.
        Index(
            "ix_instance_configuration",
            text("cast(configuration as jsonb) jsonb_path_ops"),
            postgresql_using="gin",
            postgresql_with={"fastupdate": "off"},
        ).ddl_if(dialect="postgresql"),
        {"postgresql_partition_by": "hash (customer_id)"},
    )

    id: str = Field(primary_key=True)  # ins_…
    customer_id: str = Field(primary_key=True)
    sku: str
    state: str
    product: str  # JSON: as it was sold
    configuration: str  # JSON
    customisation: str  # JSON
    parent_id: str | None = None
    upgrade_from_id: str | None = None
    purchase_id: str | None = None
    version: int
    created_at: int
    updated_at: int
    started_at: int | None = None
    terminated_at: int | None = None


class InstanceChange(ShopTable, table=True):
    """A change of an instance, never changed itself: who did it and why, the fields before and after."""

    __tablename__ = "instance_change"
    __table_args__ = ({"postgresql_partition_by": "hash (instance_id)", "sqlite_with_rowid": False},)

    instance_id: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    at: int
    action: str
    state: str  # after it
    actor: str
    reason: str | None = None
    run_id: str | None = None
    before: str | None = None  # JSON of the fields changed; none for a creation
    after: str  # JSON of the same fields


def _partition(table: Table, connection: Connection, **_: Any) -> None:
    if connection.dialect.name == "postgresql":
        for part in range(PARTITIONS):
            values = f"with (modulus {PARTITIONS}, remainder {part})"
            connection.execute(
                text(f"create table {table.name}_p{part:02} partition of {table.name} for values {values}")
            )


for _name in ("instance", "instance_change"):
    event.listen(ShopTable.metadata.tables[_name], "after_create", _partition)
