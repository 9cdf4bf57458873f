"""The keys of sealed columns, which each database has for itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shopctl.migrations.columns import key, number, text


def create_sealing_keys() -> None:
    """Create their table; a purpose has one active key."""
    op.create_table(
        "sealing_key",
        text("id"),
        text("purpose"),
        text("state"),
        text("kek_id"),
        text("wrapped"),
        number("created_at"),
        key("id"),
    )
    active = sa.text("state = 'active'")
    op.create_index(
        "uq_sealing_key_purpose", "sealing_key", ["purpose"], unique=True, sqlite_where=active, postgresql_where=active
    )
