"""Shipments that the shop sends itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shopctl.migrations.columns import key, number, text

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "shipment",
        text("id"),
        text("key"),
        text("run_id"),
        text("reference"),
        text("instance_id", nullable=True),
        text("sku"),
        number("quantity"),
        text("state"),
        text("carrier", nullable=True),
        text("tracking", nullable=True),
        number("created_at"),
        number("picked_at", nullable=True),
        number("shipped_at", nullable=True),
        number("ended_at", nullable=True),
        key("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("ix_shipment_run_id", "shipment", ["run_id"])
