"""A revision as a later release might bring: a new column with its values, an index, and a table rebuilt."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shopctl.migrations.columns import number

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add a column, fill it, index it; rename a column of another table."""
    op.add_column("product", number("rating", server_default="0"))
    op.execute("update product set rating = length(name)")
    op.create_index("ix_product_rating", "product", ["rating"])
    with op.batch_alter_table(
        "stock_movement", recreate="always" if op.get_bind().dialect.name == "sqlite" else "never"
    ) as table:
        table.alter_column("reference", new_column_name="referred_to")
    assert op.get_bind().execute(sa.text("select count(*) from product where rating = 0")).scalar() == 0
