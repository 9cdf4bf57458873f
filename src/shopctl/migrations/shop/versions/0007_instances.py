"""Product instances and their history, partitioned on PostgreSQL."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shopctl.migrations.columns import key, number, text

revision = "0007"
down_revision = "0006"

_PARTITIONS = 16


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "instance",
        text("id"),
        text("customer_id"),
        text("sku"),
        text("state"),
        text("product"),
        text("configuration"),
        text("customisation"),
        text("parent_id", nullable=True),
        text("upgrade_from_id", nullable=True),
        text("purchase_id", nullable=True),
        number("version"),
        number("created_at"),
        number("updated_at"),
        number("started_at", nullable=True),
        number("terminated_at", nullable=True),
        key("customer_id", "id"),
        postgresql_partition_by="hash (customer_id)",
    )
    op.create_table(
        "instance_change",
        text("instance_id"),
        number("version"),
        number("at"),
        text("action"),
        text("state"),
        text("actor"),
        text("reason", nullable=True),
        text("run_id", nullable=True),
        text("before", nullable=True),
        text("after"),
        key("instance_id", "version"),
        postgresql_partition_by="hash (instance_id)",
        sqlite_with_rowid=False,
    )
    _indexes()
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            """create index ix_instance_configuration on instance
                using gin (cast(configuration as jsonb) jsonb_path_ops) with (fastupdate = off)"""
        )
        for table in ("instance", "instance_change"):
            for part in range(_PARTITIONS):
                op.execute(
                    f"""create table {table}_p{part:02} partition of {table}
                        for values with (modulus {_PARTITIONS}, remainder {part})"""
                )


def _indexes() -> None:
    op.create_index("ix_instance_id", "instance", ["id"])
    op.create_index("ix_instance_sku", "instance", ["sku", "id"])
    op.create_index("ix_instance_sku_state", "instance", ["sku", "state", "id"])
    op.create_index("ix_instance_state", "instance", ["state", "id"])
    for column in ("parent_id", "purchase_id"):
        there = sa.text(f"{column} is not null")
        op.create_index(f"ix_instance_{column}", "instance", [column], sqlite_where=there, postgresql_where=there)
