"""A run and its steps: what they are, and which states they go through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from shopctl.kernel.clock import Instant


class Transition(NamedTuple):
    """One row of a life cycle."""

    trigger: str
    sources: tuple[str, ...]
    target: str


RUN_STATES = (
    "pending", "running", "waiting", "compensating", "parked", "completed", "failed", "cancelled",
)  # fmt: skip
RUN_LIFE_CYCLE = (
    Transition("start", ("pending",), "running"),
    Transition("wait", ("running", "waiting"), "waiting"),
    Transition("go_on", ("running", "waiting", "parked"), "running"),
    Transition("complete", ("running", "waiting"), "completed"),
    # What cannot be finished is undone; where nothing is to be undone it has failed at once.
    Transition("undo", ("running", "waiting", "parked", "completed", "compensating"), "compensating"),
    Transition("fail", ("running", "waiting", "compensating"), "failed"),
    Transition("cancel", ("pending", "running", "waiting", "parked", "compensating"), "cancelled"),
    # Nobody but an operator knows what to do: an outcome that stays unknown, a compensation that failed for good.
    Transition("park", ("running", "waiting", "compensating"), "parked"),
    Transition("retry", ("failed", "cancelled", "parked"), "running"),
)
ACTIVE = ("pending", "running", "waiting", "compensating")
ENDED = ("completed", "failed", "cancelled")

STEP_STATES = (
    "pending", "calling", "waiting", "retrying", "succeeded", "skipped", "failed", "unknown", "undoing", "undone",
)  # fmt: skip
STEP_LIFE_CYCLE = (
    Transition("call", ("pending", "retrying", "waiting", "calling"), "calling"),
    Transition("succeed", ("calling",), "succeeded"),
    Transition("wait", ("calling",), "waiting"),
    Transition("retry", ("calling",), "retrying"),
    Transition("fail", ("calling", "waiting", "retrying"), "failed"),
    Transition("lose", ("calling",), "unknown"),
    Transition("skip", ("pending", "waiting", "retrying", "failed", "unknown"), "skipped"),
    Transition("undo", ("succeeded", "unknown", "waiting", "failed"), "undoing"),
    Transition("undone", ("undoing",), "undone"),
    Transition("reset", ("failed", "unknown", "undone", "waiting", "retrying", "skipped"), "pending"),
)


@dataclass(slots=True)
class StepState:
    """Where a step of a run stands. A compensation counts its own attempts and generations."""

    state: str = "pending"
    attempt: int = 0
    generation: int = 1
    started_at: Instant | None = None  # of the first call under this generation; a key is good for so long
    ended_at: Instant | None = None
    next_at: Instant | None = None  # when a retry, a poll or a time-out is due
    output: Mapping[str, Any] | None = None
    memo: Mapping[str, Any] | None = None  # what a waiting action keeps for its next call
    signal: str | None = None  # what a waiting step waits for
    news: Mapping[str, Any] | None = None  # what the signal brought, until the call that was told has come back
    request: str | None = None  # a hash of what was asked for under the present key
    error: Mapping[str, Any] | None = None  # {"code", "message"} of the last failure
    order: int = 0  # which step of its run passed when: undone in reverse


@dataclass(slots=True)
class Run:
    """One execution of one version of a definition; `subject` names what it is about."""

    id: str
    definition: str
    definition_version: int
    system: str  # whose listener hears of it
    subject: str
    state: str
    version: int
    fence: int
    input: Mapping[str, Any]
    steps: dict[str, StepState]
    signals: int = 0  # how many were sent to it
    intent: str | None = None  # "cancel" or "undo" once somebody asked for it, "fail" once a step failed for good
    parent: str | None = None
    parent_step: str | None = None
    error: Mapping[str, Any] | None = None
    output: Mapping[str, Any] | None = None  # what it leaves behind, for its listener; kept in its last event
    created_at: Instant = 0
    updated_at: Instant = 0
    ended_at: Instant | None = None


class NewRun(NamedTuple):
    """What is needed to start a run. The same `idempotency_key` with the same content gives the same run again."""

    definition: str
    system: str
    subject: str
    input: Mapping[str, Any]
    id: str | None = None  # made when it is missing
    idempotency_key: str | None = None
    request: Any = None  # what the key stands for, where that is not the whole content


@dataclass(frozen=True, slots=True)
class Signal:
    """News for a run: what a waiting step waits for, or what an operator wants (`@cancel`, `@retry`, …)."""

    number: int
    name: str
    payload: Mapping[str, Any] = field(default_factory=dict)
