"""Users, roles, credentials, keys, sessions, tokens and throttling."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shopctl.migrations.both_sealing import create_sealing_keys
from shopctl.migrations.columns import key, number, text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables."""
    create_sealing_keys()
    _accounts()
    _credentials()
    _roles()
    _keys_and_tokens()
    _throttling()


def _of_an_account() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE")


def _accounts() -> None:
    op.create_table(
        "account",
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
        key("id"),
        sa.UniqueConstraint("name_key"),
        sa.UniqueConstraint("email_index"),
    )
    op.create_index("ix_account_last_login_at", "account", ["last_login_at"])


def _credentials() -> None:
    op.create_table(
        "password",
        text("account_id"),
        text("hash"),
        text("kind"),
        number("changed_at"),
        number("is_short"),
        text("imported", nullable=True),
        key("account_id"),
        _of_an_account(),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "client_secret",
        text("hmac"),
        text("account_id"),
        number("created_at"),
        key("hmac"),
        _of_an_account(),
    )
    op.create_index("ix_client_secret_account_id", "client_secret", ["account_id"])
    op.create_table(
        "second_factor",
        text("account_id"),
        text("secret", nullable=True),
        text("proposed", nullable=True),
        number("confirmed_at", nullable=True),
        number("last_step"),
        number("created_at"),
        key("account_id"),
        _of_an_account(),
    )
    op.create_table("recovery_code", text("hmac"), text("account_id"), key("hmac"), _of_an_account())
    op.create_index("ix_recovery_code_account_id", "recovery_code", ["account_id"])
    op.create_table(
        "external_identity",
        text("id"),
        text("provider"),
        text("subject"),
        text("subject_index"),
        text("account_id"),
        number("linked_at"),
        key("id"),
        _of_an_account(),
        sa.UniqueConstraint("provider", "subject_index"),
    )
    op.create_index("ix_external_identity_account_id", "external_identity", ["account_id"])


def _roles() -> None:
    op.create_table("role", text("name"), text("description"), number("created_at"), key("name"))
    op.create_table(
        "role_permission",
        text("role"),
        text("permission"),
        key("role", "permission"),
        sa.ForeignKeyConstraint(["role"], ["role.name"], ondelete="CASCADE"),
    )
    op.create_table(
        "role_parent",
        text("role"),
        text("parent"),
        key("role", "parent"),
        sa.ForeignKeyConstraint(["role"], ["role.name"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["parent"], ["role.name"]),
    )
    op.create_index("ix_role_parent_parent", "role_parent", ["parent"])
    op.create_table(
        "account_role",
        text("account_id"),
        text("role"),
        number("granted_at"),
        key("account_id", "role"),
        _of_an_account(),
        sa.ForeignKeyConstraint(["role"], ["role.name"]),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_account_role_role", "account_role", ["role"])
    op.create_table(
        "account_permission",
        text("account_id"),
        text("permission"),
        number("granted_at"),
        key("account_id", "permission"),
        _of_an_account(),
    )


def _keys_and_tokens() -> None:
    op.create_table(
        "signing_key",
        text("kid"),
        text("algorithm"),
        text("state"),
        text("private", nullable=True),
        text("public"),
        number("created_at"),
        number("activated_at", nullable=True),
        number("passive_at", nullable=True),
        number("disabled_at", nullable=True),
        key("kid"),
    )
    one = sa.text("state = 'active'")
    op.create_index(
        "uq_signing_key_active", "signing_key", ["state"], unique=True, sqlite_where=one, postgresql_where=one
    )
    op.create_table(
        "session",
        text("id"),
        text("account_id"),
        text("methods"),
        text("source_index"),
        text("scope"),
        text("audience"),
        number("created_at"),
        number("expires_at"),
        number("ended_at", nullable=True),
        text("ended_because", nullable=True),
        key("id"),
        _of_an_account(),
    )
    op.create_index("ix_session_account_id", "session", ["account_id"])
    op.create_index("ix_session_expires_at", "session", ["expires_at"])
    of_a_session = ["session_id"], ["session.id"]
    op.create_table(
        "refresh_token",
        text("hmac"),
        text("session_id"),
        number("issued_at"),
        number("expires_at"),
        number("used_at", nullable=True),
        key("hmac"),
        sa.ForeignKeyConstraint(*of_a_session, ondelete="CASCADE"),
    )
    op.create_index("ix_refresh_token_session_id", "refresh_token", ["session_id"])
    op.create_table(
        "access_token",
        text("jti"),
        text("account_id"),
        text("session_id", nullable=True),
        text("kid"),
        number("token_epoch"),
        number("issued_at"),
        number("expires_at"),
        number("revoked_at", nullable=True),
        key("jti"),
        _of_an_account(),
        sa.ForeignKeyConstraint(*of_a_session, ondelete="CASCADE"),
    )
    for column in ("account_id", "session_id", "expires_at"):
        op.create_index(f"ix_access_token_{column}", "access_token", [column])
    op.create_table(
        "personal_token",
        text("id"),
        text("hmac"),
        text("account_id"),
        text("name"),
        text("scope"),
        number("token_epoch"),
        number("created_at"),
        number("expires_at"),
        number("last_used_at", nullable=True),
        number("revoked_at", nullable=True),
        key("id"),
        sa.UniqueConstraint("hmac"),
        _of_an_account(),
    )
    op.create_index("ix_personal_token_account_id", "personal_token", ["account_id"])


def _throttling() -> None:
    op.create_table(
        "throttle",
        text("subject"),
        text("account_id", nullable=True),
        number("failures"),
        number("first_at"),
        number("last_at"),
        number("blocked_until"),
        key("subject"),
        _of_an_account(),
    )
    op.create_index("ix_throttle_account_id", "throttle", ["account_id"])
    op.create_index("ix_throttle_last_at", "throttle", ["last_at"])
    op.create_table(
        "familiar_source",
        text("account_id"),
        text("source_index"),
        number("last_at"),
        key("account_id", "source_index"),
        _of_an_account(),
    )
