"""Products that a rollback took out of the catalogue are kept, so that every past moment can still be told.

Taking out a million products must not look through a million rows for each of them to see whether one refers to it:
reservations are found by an index; what feeds said, which is removed first, refers to products without a constraint
(`db check` looks).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shopctl.migrations.columns import key, number, text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the table, and make products quick to remove."""
    op.create_table(
        "removed_product",
        number("id"),
        text("sku"),
        number("version"),
        number("created_at"),
        number("updated_at"),
        number("removed_at"),
        text("document"),
        key("id"),
    )
    op.create_index("ix_removed_product_sku", "removed_product", ["sku"])
    op.create_index("ix_reservation_product_id", "reservation", ["product_id"])
    _free_feed_records()


def _free_feed_records() -> None:
    # Made anew, for SQLite cannot take a constraint away.
    op.execute("create table feed_record_before as select feed_id, product_id, hash, line, stock from feed_record")
    op.drop_table("feed_record")
    op.create_table(
        "feed_record",
        number("feed_id", sa.ForeignKey("feed.id")),
        number("product_id"),
        number("hash", nullable=True),
        number("line"),
        text("stock"),
        key("feed_id", "product_id"),
        sqlite_with_rowid=False,
    )
    op.execute(
        """insert into feed_record (feed_id, product_id, hash, line, stock)
           select feed_id, product_id, hash, line, stock from feed_record_before order by feed_id, product_id"""
    )
    op.drop_table("feed_record_before")
