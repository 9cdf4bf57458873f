"""What moving a run forwards and backwards has in common: what is to be written, the calls, and the run's own state."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from shopctl.kernel.clock import Instant
from shopctl.workflow.definition import Definition, Step
from shopctl.workflow.expressions import Value
from shopctl.workflow.machine import Machines
from shopctl.workflow.model import NewRun, Run, Signal, StepState
from shopctl.workflow.ports import Action, Call, Failed, Unknown

_sorted = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode

SECOND = 1_000_000
PASSED = ("succeeded", "skipped")
_BUSY = ("calling", "waiting", "retrying", "failed", "unknown", "undoing")

Permit = Callable[[str, Instant], Instant | None]
"""Asks whether a downstream may be called now: None, or when to ask again."""


class Event(NamedTuple):
    """What happened to the run, for its history and for whoever subscribes."""

    type: str
    payload: Mapping[str, Any]


class Sent(NamedTuple):
    """A signal for another run."""

    run_id: str
    name: str
    payload: Mapping[str, Any]


class Moves:
    """A run that this process holds, with its definition; lives from the claim to the release."""

    def __init__(
        self, run: Run, definition: Definition, machines: Machines, actions: Mapping[str, Action], permit: Permit
    ) -> None:
        self.run = run
        self.definition = definition
        self.moved = False  # whether its state has changed since
        self.calls: list[Call] = []
        self.events: list[Event] = []
        self.triggers: list[str] = []  # what its listener is to hear
        self.sub_runs: list[NewRun] = []
        self.sent: list[Sent] = []
        self.inbox: list[Signal] = []  # signals that no step has asked for yet
        self.consumed: list[int] = []
        self.polls: set[str] = set()  # steps whose present call goes on with one that was accepted
        self.next_at: Instant | None = None  # when it is to be looked at again; None: only when something arrives
        self.passed: list[str] = []  # downstreams that answered, for their circuit breakers
        self.failed: list[str] = []
        self._machines = machines
        self._actions = actions
        self._permit = permit
        self._seen = max((step.order for step in run.steps.values()), default=0)

    def written(self) -> None:
        """Forget what the runner has written down."""
        self.events, self.triggers, self.sub_runs, self.sent = [], [], [], []
        self.consumed, self.passed, self.failed = [], [], []

    def action_of(self, call: Call) -> str:
        """The name of the action that a call is for."""
        step = self.definition.by_name[call.step]
        return step.compensation.action if call.undoing and step.compensation is not None else step.action

    def standing(self) -> str | None:
        """The step that a list shows: what it is busy with or stuck at, else what comes next."""
        pending = None
        for step in self.definition.steps:
            state = self.run.steps[step.name].state
            if state in _BUSY:
                return step.name
            if pending is None and state == "pending":
                pending = step.name
        return pending

    def _fire(self, trigger: str) -> None:
        self._machines.fire(self.run, trigger)
        self.triggers.append(trigger)
        self.moved = True

    def _end(self, trigger: str, now: Instant) -> None:
        self._fire(trigger)
        self.run.ended_at = now
        told: dict[str, Any] = {}
        if trigger == "complete" and self.definition.result is not None:
            try:
                told["output"] = self.run.output = self.definition.result(self._scope())
            except Exception as error:  # everything has been done; only what to say of it is wrong
                told["error"] = error_of(of_expression("result", error))
        elif self.run.error:
            if (
                "cause" in self.run.error
            ):  # its undoing was stuck once and is through: why it was undone is what is left
                self.run.error = self.run.error["cause"]
            if self.run.error:
                told["error"] = self.run.error
        self._say(f"run.{self.run.state}", told)
        self._tell_parent()

    def _park(self, error: Mapping[str, Any] | None) -> None:
        self._fire("park")
        if error is not None:
            before = self.run.error
            if error.get("undo"):
                error = {**error, "cause": before["cause"] if before and "cause" in before else before}
            self.run.error = {**(before or {}), **error}
        self._say("run.parked", {"error": self.run.error})

    def _tell_parent(self) -> None:
        run = self.run
        if run.parent is not None:
            self.sent.append(Sent(run.parent, f"run:{run.id}", {"state": run.state}))

    def _say(self, type_: str, payload: Mapping[str, Any]) -> None:
        self.events.append(Event(type_, payload))

    def _scope(self) -> dict[str, Any]:
        run = self.run
        return {
            "input": run.input,
            "steps": {name: state.output for name, state in run.steps.items() if state.output is not None},
            "run": {"id": run.id, "subject": run.subject},
        }

    def _asked(self, values: Value) -> tuple[Any, str]:
        """What is to be asked for, and its hash. Raises what the expressions raise."""
        found = values(self._scope())
        return found, _hash(found)

    def _place(self, step: Step, state: StepState, values: Any, *, repeated: bool, undoing: bool) -> None:
        key = f"{self.run.id}.{step.name}.{state.generation}"
        assert state.started_at is not None
        self.calls.append(
            Call(
                self.run.id,
                step.name,
                state.generation,
                state.attempt,
                f"{key}.undo" if undoing else key,
                values,
                step.seconds,
                repeated,
                undoing,
                state.memo or {},
                state.news,
                state.started_at,
            )
        )

    def _answered(self, step: Step, *, well: bool) -> None:
        if step.downstream is not None:
            (self.passed if well else self.failed).append(step.downstream)

    def _repetition(self, step: Step, *, undoing: bool = False) -> str:
        called = step.compensation if undoing and step.compensation is not None else step
        found = self._actions.get(called.action)
        own: Callable[[Mapping[str, Any]], str] | None = getattr(found, "repetition_of", None)
        return getattr(found, "repetition", "keyed") if own is None else own(called.written)


def outlived(step: Step, state: StepState, now: Instant) -> bool:
    """Whether the other side may have forgotten the key; a beginning that far ahead was told by a wrong clock."""
    return state.started_at is not None and abs(now - state.started_at) > micro(step.key_lifetime)


def has_runs(state: StepState) -> bool:
    """Whether the step has started runs."""
    return state.memo is not None and "runs" in state.memo


def of_expression(what: str, error: Exception) -> Failed:
    """An expression has met what it was not written for; nothing was called."""
    return Failed("workflow.expression", f"{what}: {' '.join(str(error).split())}"[:300])


KEY_EXPIRED = Unknown("workflow.key_expired", "the key is older than the other side keeps it")
REQUEST_CHANGED = Unknown("workflow.request_changed", "the repeated request is another one")
INTERRUPTED = Unknown("workflow.interrupted", "the worker ended during the call")


def wait_over(step: Step) -> Failed:
    """Nobody has answered."""
    return Failed("workflow.wait_over", f"nothing came within {step.wait:g} seconds")


def micro(seconds: float) -> int:
    return round(seconds * SECOND)


def error_of(outcome: Failed | Unknown) -> dict[str, Any]:
    return {"code": outcome.code, "message": outcome.message}


def _hash(values: object) -> str:
    return hashlib.blake2b(_sorted(values).encode(), digest_size=12).hexdigest()
