"""Licence keys in pools, sealed, each claimed by one step of one run."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shopctl.migrations.columns import key, number, text

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "licence_key",
        text("id"),
        text("pool"),
        text("state"),
        text("key"),
        text("key_index"),
        text("run_id", nullable=True),
        text("step", nullable=True),
        number("claimed_at", nullable=True),
        number("added_at"),
        key("id"),
        sa.UniqueConstraint("key_index"),
    )
    op.create_index("ix_licence_key_pool_state_id", "licence_key", ["pool", "state", "id"])
    claimed = sa.text("state = 'claimed'")
    op.create_index(
        "uq_licence_key_run_id_step",
        "licence_key",
        ["run_id", "step"],
        unique=True,
        sqlite_where=claimed,
        postgresql_where=claimed,
    )
