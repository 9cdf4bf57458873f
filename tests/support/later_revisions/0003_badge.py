"""A second later revision: a table that refers to the catalogue, filled from it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shopctl.migrations.columns import key, number, text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create and fill a table."""
    op.create_table("badge", number("product_id", sa.ForeignKey("product.id")), text("badge"), key("product_id"))
    op.execute("insert into badge (product_id, badge) select id, 'new' from product where rating > 3")
