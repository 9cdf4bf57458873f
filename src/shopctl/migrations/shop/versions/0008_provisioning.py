"""Provisioning: what each run is for."""

from __future__ import annotations

from alembic import op

from shopctl.migrations.columns import key, number, text

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "provisioning_run",
        text("run_id"),
        text("template"),
        text("operation"),
        text("sku"),
        text("customer_id"),
        text("instance_id"),
        number("quantity"),
        number("created_at"),
        key("run_id"),
    )
    for column in ("customer_id", "sku", "instance_id"):
        op.create_index(f"ix_provisioning_run_{column}", "provisioning_run", [column])
