"""Imports of users that can go on, and accounts that a first import may add in no order, checked at its end."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shopctl.migrations.columns import key, number, text

revision = "0003"
down_revision = "0002"

_COLUMNS = (
    "id, name, name_key, kind, state, email, email_index, token_epoch, version, created_at, updated_at, last_login_at"
)
_UNIQUE = ("name_key", "email_index")


def upgrade() -> None:
    """Create the tables, and have the unique columns of accounts checked late."""
    op.create_table(
        "user_import",
        text("id"),
        text("fingerprint", nullable=True),
        text("source"),
        number("line"),
        text("counts"),
        number("started_at"),
        key("id"),
    )
    op.create_table("user_import_reject", text("id"), text("message"), key("id"), sqlite_with_rowid=False)
    if op.get_context().dialect.name == "postgresql":
        op.drop_index("ix_account_last_login_at")
        for column in _UNIQUE:
            op.drop_constraint(f"uq_account_{column}", "account", type_="unique")
            op.create_unique_constraint(
                f"uq_account_{column}", "account", [column], deferrable=True, initially="IMMEDIATE"
            )
    else:
        _free_accounts()


def _free_accounts() -> None:
    # Made anew, for SQLite cannot take a constraint away.
    op.create_table(
        "account_after",
        text("id"),
        text("name"),
        text("name_key"),
        text("kind"),
        text("state"),
        text("email", nullable=True),
        text("email_index", nullable=True),
        number("token_epoch"),
        number("version"),
        number("created_at"),
        number("updated_at"),
        number("last_login_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_account"),
    )
    op.execute(f"insert into account_after ({_COLUMNS}) select {_COLUMNS} from account order by id")
    op.drop_table("account")
    op.execute("alter table account_after rename to account")
    for column in _UNIQUE:
        op.create_index(f"uq_account_{column}", "account", [column], unique=True)
