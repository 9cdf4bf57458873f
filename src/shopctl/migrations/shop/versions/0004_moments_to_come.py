"""A product knows the first moment to come at which buyers meet it otherwise: what falls due is told in the log.

What had fallen due before the upgrade stays untold.
"""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

from shopctl.migrations.columns import number

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column, fill it, and index the few products that have such a moment."""
    op.add_column("product", number("due_at", nullable=True))
    op.get_bind().execute(
        sa.text(
            """update product set due_at = first.moment
                 from (select product_id, min(moment) as moment
                         from (select id as product_id, publish_at as moment from product where publish_at > :now
                               union all select id, retire_at from product where retire_at > :now
                               union all select product_id, valid_from from price where valid_from > :now
                               union all select product_id, valid_until from price where valid_until > :now) each_moment
                        group by product_id) first
                where first.product_id = product.id and product.status <> 'retired'"""
        ),
        {"now": time.time_ns() // 1_000},
    )
    waiting = sa.text("due_at is not null")
    op.create_index("ix_product_due_at", "product", ["due_at"], sqlite_where=waiting, postgresql_where=waiting)
