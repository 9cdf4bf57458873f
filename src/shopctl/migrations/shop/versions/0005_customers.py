"""Customers, with what is personal sealed, and the keys for that."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shopctl.migrations.both_sealing import create_sealing_keys
from shopctl.migrations.columns import key, number, text

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the tables."""
    create_sealing_keys()
    op.create_table(
        "customer",
        text("id"),
        text("state"),
        text("name", nullable=True),
        text("email", nullable=True),
        text("email_index", nullable=True),
        text("phone", nullable=True),
        text("language", nullable=True),
        text("country", nullable=True),
        text("user_id", nullable=True),
        number("version"),
        number("created_at"),
        number("updated_at"),
        key("id"),
        sa.UniqueConstraint("email_index"),
        sa.UniqueConstraint("user_id"),
    )
    op.create_table(
        "customer_address",
        text("id"),
        text("customer_id"),
        text("kind"),
        text("lines"),
        text("country", nullable=True),
        number("is_default"),
        number("created_at"),
        key("id"),
        _of_a_customer(),
    )
    op.create_index("ix_customer_address_customer_id", "customer_address", ["customer_id"])
    op.create_table(
        "customer_payment_method",
        text("id"),
        text("customer_id"),
        text("gateway"),
        text("token"),
        text("token_index"),
        text("kind"),
        text("label", nullable=True),
        text("expires", nullable=True),
        number("is_default"),
        number("created_at"),
        key("id"),
        sa.UniqueConstraint("token_index"),
        _of_a_customer(),
    )
    op.create_index("ix_customer_payment_method_customer_id", "customer_payment_method", ["customer_id"])


def _of_a_customer() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], ondelete="CASCADE")
