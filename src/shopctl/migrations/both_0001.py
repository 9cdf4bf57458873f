"""What both chains begin with: leases and the audit trail."""

from __future__ import annotations

from alembic import op

from shopctl.migrations.columns import key, number, own_number, text


def create_leases_and_audit() -> None:
    """Create the tables that each database has for itself."""
    op.create_table("lease", text("name"), text("holder"), number("fence"), number("expires_at"), key("name"))
    op.create_table(
        "audit_trail",
        number("id"),
        text("database_id"),
        number("created_at"),
        text("key_id"),
        text("mac"),
        key("id"),
    )
    op.create_table(
        "audit_entry",
        own_number(),
        number("seal", nullable=True),
        number("at"),
        text("actor"),
        text("action"),
        text("subject", nullable=True),
        text("reason", nullable=True),
        text("request_id"),
        number("changed"),
        text("facts"),
        text("key_id"),
        text("mac"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_entry_seal", "audit_entry", ["seal"])
    op.create_table(
        "audit_seal",
        number("number"),
        number("first_entry"),
        number("last_entry"),
        number("entries"),
        number("at"),
        text("dialect"),
        text("hash"),
        text("previous"),
        text("key_id"),
        text("mac"),
        key("number"),
    )
