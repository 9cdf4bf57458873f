"""Events and workflows: the outbox, definitions, runs, signals and downstreams."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shopctl.migrations.columns import key, number, own_number, text

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "event",
        own_number("number"),
        text("id"),
        text("type"),
        text("subject"),
        number("at"),
        text("payload"),
        number("xid", nullable=True),
        sa.UniqueConstraint("id"),
    )
    op.create_index("ix_event_subject_number", "event", ["subject", "number"])
    if op.get_bind().dialect.name == "postgresql":
        op.create_index("ix_event_xid", "event", ["xid", "number"])  # readers look for those below the oldest open one
        op.execute("alter table event alter column xid set default (pg_current_xact_id()::text)::bigint")
    op.create_table(
        "subscription",
        text("name"),
        text("log"),
        number("position"),
        number("number"),
        number("attempts"),
        number("next_at"),
        text("error", nullable=True),
        key("name"),
    )
    op.create_table(
        "event_set_aside",
        text("subscriber"),
        text("event_id"),
        number("attempts"),
        text("error"),
        number("at"),
        key("subscriber", "event_id"),
    )
    op.create_table(
        "workflow_definition",
        text("name"),
        number("version"),
        text("hash"),
        text("body"),
        number("created_at"),
        key("name", "version"),
        sa.UniqueConstraint("name", "hash"),
    )
    _create_run()
    op.create_table(
        "workflow_signal",
        text("run_id"),
        number("number"),
        text("name"),
        text("payload"),
        number("sent_at"),
        key("run_id", "number"),
    )
    op.create_table(
        "downstream",
        text("name"),
        number("failures"),
        number("rests_until"),
        number("next_call_at"),
        key("name"),
    )
    op.create_table(
        "downstream_use",
        text("downstream"),
        text("worker"),
        number("calls"),
        number("expires_at"),
        key("downstream", "worker"),
    )


def _create_run() -> None:
    op.create_table(
        "workflow_run",
        text("id"),
        text("definition"),
        number("definition_version"),
        text("system"),
        text("subject"),
        text("state"),
        number("version"),
        number("fence"),
        text("worker", nullable=True),
        number("next_at", nullable=True),
        text("step", nullable=True),
        text("input"),
        text("steps"),
        text("intent", nullable=True),
        text("error", nullable=True),
        text("fingerprint", nullable=True),
        number("signals"),
        text("parent", nullable=True),
        text("parent_step", nullable=True),
        text("idempotency_key", nullable=True),
        text("request", nullable=True),
        number("created_at"),
        number("updated_at"),
        number("ended_at", nullable=True),
        key("id"),
    )
    _index("next_at", where="next_at is not null")
    _index("state", "id", where="state <> 'completed'")
    op.create_index("ix_workflow_run_subject", "workflow_run", ["subject"])
    _index("parent", where="parent is not null")
    _index("idempotency_key", where="idempotency_key is not null", unique=True)


def _index(*columns: str, where: str, unique: bool = False) -> None:
    op.create_index(
        f"{'uq' if unique else 'ix'}_workflow_run_{'_'.join(columns)}",
        "workflow_run",
        list(columns),
        unique=unique,
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where),
    )
