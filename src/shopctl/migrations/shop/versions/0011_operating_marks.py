"""What is remembered of how the shop is run: paused since a restore, the last backup, the last drill."""

from __future__ import annotations

from alembic import op

from shopctl.migrations.columns import key, number, text

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Create the table."""
    op.create_table("operating_mark", text("name"), number("at"), text("facts"), key("name"))
