"""Where workflows are stored: definitions with their versions, runs with their steps, signals, and downstreams."""

from __future__ import annotations

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from shopctl.storage.tables import ShopTable


class WorkflowDefinition(ShopTable, table=True):
    """One version of a definition; a run keeps the one that it started with."""

    __tablename__ = "workflow_definition"
    __table_args__ = (UniqueConstraint("name", "hash"),)

    name: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    hash: str
    body: str  # canonical JSON
    created_at: int


class WorkflowRun(ShopTable, table=True):
    """One execution. `next_at` is when a worker is to look at it, or when the present worker's lease is over."""

    __tablename__ = "workflow_run"
    __table_args__ = (
        Index("ix_workflow_run_next_at", "next_at", sqlite_where=text("next_at is not null"),
              postgresql_where=text("next_at is not null")),
        Index("ix_workflow_run_state_id", "state", "id", sqlite_where=text("state <> 'completed'"),
              postgresql_where=text("state <> 'completed'")),
        Index("ix_workflow_run_subject", "subject"),
        Index("ix_workflow_run_parent", "parent", sqlite_where=text("parent is not null"),
              postgresql_where=text("parent is not null")),
        Index("uq_workflow_run_idempotency_key", "idempotency_key", unique=True,
              sqlite_where=text("idempotency_key is not null"), postgresql_where=text("idempotency_key is not null")),
    )  # fmt: skip

    id: str = Field(primary_key=True)
    definition: str
    definition_version: int
    system: str
    subject: str
    state: str
    version: int
    fence: int
    worker: str | None = None
    next_at: int | None = None
    step: str | None = None  # where it stands
    input: str  # JSON object
    steps: str  # JSON object of step name: what differs from a fresh StepState
    intent: str | None = None
    error: str | None = None  # JSON object
    fingerprint: str | None = None  # the same for runs that are stuck for the same reason
    signals: int = 0
    parent: str | None = None
    parent_step: str | None = None
    idempotency_key: str | None = None
    request: str | None = None  # a hash of what the key was used for
    created_at: int
    updated_at: int
    ended_at: int | None = None


class WorkflowSignal(ShopTable, table=True):
    """News for a run, numbered by it; kept until a step that waits for it has consumed it."""

    __tablename__ = "workflow_signal"

    run_id: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    name: str
    payload: str  # JSON object
    sent_at: int


class Downstream(ShopTable, table=True):
    """How a downstream does: its circuit breaker and its rate, shared by all workers."""

    name: str = Field(primary_key=True)
    failures: int = 0  # in a row
    rests_until: int = 0  # no call before
    next_call_at: int = 0  # by its rate, in microseconds since the epoch


class DownstreamUse(ShopTable, table=True):
    """How many calls a worker has on their way; one that does not say so any more has none."""

    __tablename__ = "downstream_use"

    downstream: str = Field(primary_key=True)
    worker: str = Field(primary_key=True)
    calls: int
    expires_at: int
