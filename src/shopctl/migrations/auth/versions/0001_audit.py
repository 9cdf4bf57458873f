"""The authentication database begins: leases and its audit trail."""

from __future__ import annotations

from shopctl.migrations.both_0001 import create_leases_and_audit

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    create_leases_and_audit()
