"""One run moved forward at one moment: what came back is taken in, what is next is decided. No I/O.

The order of things: `claimed` once after a claim, `signal` for each that arrived, `outcome` for each call that came
back, then `forward`, which leaves the next `calls`. What is to be written stands in `run`, `events`, `sub_runs` and
`sent`; the runner writes it before it makes the calls.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from shopctl.kernel import ids
from shopctl.kernel.clock import Instant
from shopctl.workflow.definition import Compensation, Definition, Step
from shopctl.workflow.machine import Machines
from shopctl.workflow.model import ENDED, NewRun, Run, Signal, StepState
from shopctl.workflow.ports import Action, Call, Done, Failed, Outcome, SubRuns, Unknown, Waiting

SECOND = 1_000_000
WAIT_OVER = "workflow.wait_over"
PASSED = ("succeeded", "skipped")
_DUE = ("retrying", "waiting", "calling")  # states that a moment ends

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


class Progress:
    """A run that this process holds, with its definition; lives from the claim to the release."""

    def __init__(
        self, run: Run, definition: Definition, machines: Machines, actions: Mapping[str, Action], permit: Permit
    ) -> None:
        self.run = run
        self.definition = definition
        self.calls: list[Call] = []
        self.events: list[Event] = []
        self.triggers: list[str] = []  # what its listener is to hear
        self.sub_runs: list[NewRun] = []
        self.sent: list[Sent] = []
        self.inbox: list[Signal] = []  # signals that no step has asked for yet
        self.consumed: list[int] = []
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

    # What arrives

    def claimed(self, now: Instant) -> None:
        """Calls whose intent was written and whose result was not: their outcome is unknown."""
        for step in self.definition.steps:
            state = self.run.steps[step.name]
            if state.state == "calling":
                if self._repetition(step) == "never":
                    self._lose(step, state, Unknown("workflow.interrupted", "the worker ended during the call"), now)
                else:
                    state.next_at = now
            elif state.state == "undoing" and state.next_at is None:
                state.next_at = now

    def signal(self, signal: Signal, now: Instant) -> None:
        """Take in a signal: an operator's wish at once, other news as soon as a step waits for it."""
        if not signal.name.startswith("@"):
            self.inbox.append(signal)
            return
        self.consumed.append(signal.number)
        wishes = {"@cancel": self._cancel, "@undo": self._undo_all, "@retry": self._retry, "@skip": self._skip}
        wish = wishes.get(signal.name)
        if wish is not None:
            wish(signal.payload, now)

    def outcome(self, name: str, generation: int, outcome: Outcome, now: Instant) -> None:
        """Take in what a call has led to; one of an earlier generation is of no interest any more."""
        step, state = self.definition.by_name[name], self.run.steps[name]
        if generation != state.generation:
            return
        if state.state == "undoing":
            self._undone(step, state, outcome, now)
        elif state.state == "calling":
            self._came_back(step, state, outcome, now)

    # What is next

    def forward(self, now: Instant) -> None:
        """Decide what is next: fills `calls`, sets the run's state and `next_at`."""
        run = self.run
        self.calls, self.next_at = [], None
        if run.state == "pending":
            if run.intent is not None:
                self._end("cancel", now)
                return
            self._fire("start")
            self._say("run.started", {"started_at": now})
        if run.state in ENDED or run.state == "parked":
            return
        if run.intent is not None:
            self._backward(now)
            return
        self._deliver(now)
        for step in self.definition.steps:
            state = run.steps[step.name]
            if state.state == "pending" and (state.next_at is None or state.next_at <= now):
                self._begin(step, state, now)
            elif (
                state.next_at is not None and state.next_at <= now and state.state in ("retrying", "waiting", "calling")
            ):
                self._again(step, state, now)
            if run.intent is not None:
                self._backward(now)
                return
        self._settle(now)

    def _settle(self, now: Instant) -> None:
        run = self.run
        states = run.steps.values()
        if any(state.state == "calling" for state in states):
            if run.state != "running":
                self._fire("go_on")
        elif all(state.state in PASSED for state in states):
            self._end("complete", now)
            return
        elif stuck := [state for state in states if state.state in ("unknown", "failed")]:
            self._park(stuck[0].error)
            return
        elif run.state != "waiting":
            self._fire("wait")
        self._look_again()

    def _look_again(self) -> None:
        moments = [
            state.next_at
            for state in self.run.steps.values()
            if state.next_at is not None and state.state in ("pending", "undoing", *_DUE)
        ]
        self.next_at = min(moments, default=None)

    # Forwards

    def _begin(self, step: Step, state: StepState, now: Instant) -> None:
        steps = self.run.steps
        for need in step.needs:
            if steps[need].state not in PASSED:
                return
        if step.when is not None and not step.when(self._scope()):
            self._machines.fire_step(state, "skip")
            state.ended_at = now
            self._say("step.skipped", {"step": step.name, "condition": step.condition})
            return
        self._call(step, state, now)

    def _again(self, step: Step, state: StepState, now: Instant) -> None:
        if state.state == "waiting" and state.started_at is not None and now >= state.started_at + _micro(step.wait):
            self._fail(step, state, Failed(WAIT_OVER, f"nothing came within {step.wait:g} seconds"), now)
            return
        outlived = state.started_at is not None and now > state.started_at + _micro(step.key_lifetime)
        repeats = state.state == "calling" or (state.state == "retrying" and state.request is not None)
        # What was accepted under it is only looked at by now.
        if repeats and outlived and not state.memo and self._repetition(step) == "keyed":
            # The other side may have forgotten the key by now, and would do it again (design, decision 4).
            self._machines.fire_step(state, "call")
            self._lose(
                step, state, Unknown("workflow.key_expired", "the key is older than the other side keeps it"), now
            )
            return
        self._call(step, state, now)

    def _call(self, step: Step, state: StepState, now: Instant, signal: Signal | None = None) -> None:
        if step.downstream is not None and (later := self._permit(step.downstream, now)) is not None:
            state.next_at = later
            return
        polled, interrupted = state.state == "waiting", state.state == "calling"
        repeated = interrupted or (state.state == "retrying" and state.request is not None)
        values = step.values(self._scope())
        request = _hash(values)
        if repeated and state.request != request:
            self._machines.fire_step(state, "call")
            self._lose(step, state, Unknown("workflow.request_changed", "the repeated request is another one"), now)
            return
        self._machines.fire_step(state, "call")
        if not polled and not interrupted:
            state.attempt += 1
        if signal is not None:
            state.news = signal.payload
        if state.started_at is None:
            state.started_at = now
        state.next_at, state.request = None, request
        self.calls.append(
            Call(
                self.run.id,
                step.name,
                state.generation,
                state.attempt,
                f"{self.run.id}.{step.name}.{state.generation}",
                values,
                step.seconds,
                repeated,
                False,
                state.memo or {},
                state.news,
                state.started_at,
            )
        )

    def _came_back(self, step: Step, state: StepState, outcome: Outcome, now: Instant) -> None:
        if not isinstance(outcome, Unknown):
            state.news = None
        if isinstance(outcome, Done):
            self._answered(step, well=True)
            self._passes(step, state, outcome.output, now)
        elif isinstance(outcome, Waiting):
            self._answered(step, well=True)
            self._machines.fire_step(state, "wait")
            state.signal, state.memo = outcome.signal, outcome.memo or None
            over = (state.started_at or now) + _micro(step.wait)
            state.next_at = over if outcome.seconds is None else min(over, now + _micro(outcome.seconds))
            if outcome.signal is not None:
                self._say("step.waiting", {"step": step.name, "signal": outcome.signal, "next_at": state.next_at})
        elif isinstance(outcome, SubRuns):
            self._starts(step, state, outcome, now)
        elif isinstance(outcome, Failed):
            self._answered(step, well=not outcome.retryable)
            if outcome.retryable and state.attempt < step.retry.attempts:
                state.generation += 1  # it had no effect, for sure: the next call is another one
                state.started_at, state.request, state.memo = None, None, None
                self._later(step, state, outcome, now)
            else:
                self._fail(step, state, outcome, now)
        else:
            self._answered(step, well=False)
            if self._repetition(step) != "never" and state.attempt < step.retry.attempts:
                self._later(step, state, outcome, now)
            else:
                self._lose(step, state, outcome, now)

    def _passes(self, step: Step, state: StepState, output: Mapping[str, Any], now: Instant) -> None:
        self._machines.fire_step(state, "succeed")
        self._seen += 1
        state.order, state.output, state.ended_at = self._seen, output, now
        state.next_at, state.signal, state.error, state.request = None, None, None, None
        if "runs" not in (state.memo or {}):
            state.memo = None
        self._say(
            "step.succeeded",
            {"step": step.name, "attempt": state.attempt, "started_at": state.started_at, "ended_at": now},
        )

    def _later(self, step: Step, state: StepState, outcome: Failed | Unknown, now: Instant) -> None:
        self._machines.fire_step(state, "retry")
        seconds = step.retry.seconds(state.attempt) if outcome.seconds is None else outcome.seconds
        state.next_at, state.error = now + _micro(seconds), _error(outcome)
        self._say(
            "step.retrying",
            {"step": step.name, "attempt": state.attempt, "error": state.error, "next_at": state.next_at},
        )

    def _fail(self, step: Step, state: StepState, outcome: Failed, now: Instant) -> None:
        self._machines.fire_step(state, "fail")
        state.error, state.ended_at, state.next_at, state.signal = _error(outcome), now, None, None
        self._say("step.failed", {"step": step.name, "attempt": state.attempt, "error": state.error})
        if step.on_failure == "continue":
            self._machines.fire_step(state, "skip")
            return
        self.run.error = {"step": step.name, **_error(outcome)}
        if step.on_failure == "compensate" and self.run.intent is None:
            self.run.intent = "fail"

    def _lose(self, step: Step, state: StepState, outcome: Unknown, now: Instant) -> None:
        self._machines.fire_step(state, "lose")
        state.error, state.ended_at, state.next_at = _error(outcome), now, None
        self.run.error = {"step": step.name, **_error(outcome)}
        self._say("step.unknown", {"step": step.name, "attempt": state.attempt, "error": state.error})

    # Sub-runs

    def _starts(self, step: Step, state: StepState, outcome: SubRuns, now: Instant) -> None:
        if not outcome.runs:
            self._passes(step, state, {"runs": {}}, now)
            return
        self._machines.fire_step(state, "wait")
        runs = [run._replace(id=run.id or ids.new("run")) for run in outcome.runs]
        state.memo = {"runs": {str(run.id): None for run in runs}}
        state.next_at = (state.started_at or now) + _micro(step.wait)
        self.sub_runs.extend(runs)
        self._say("step.waiting", {"step": step.name, "runs": [run.id for run in runs]})

    def _sub_run_ended(self, step: Step, state: StepState, signal: Signal, now: Instant) -> None:
        child = signal.name.removeprefix("run:")
        memo = state.memo or {}
        runs = {**memo["runs"], child: signal.payload.get("state")}
        state.memo = {**memo, "runs": runs}
        if any(ended is None for ended in runs.values()):
            return
        if state.state == "undoing":
            self._undone(step, state, Done(), now)
        else:
            self._machines.fire_step(state, "call")
            bad = [run for run, ended in runs.items() if ended != "completed"]
            if bad:
                self._fail(step, state, Failed("workflow.sub_run_failed", f"{bad[0]} has {runs[bad[0]]}"), now)
            else:
                self._passes(step, state, {"runs": runs}, now)

    # Backwards

    def _backward(self, now: Instant) -> None:
        """Undo what has passed, the latest first, one after the other; nothing while a call is still on its way."""
        run = self.run
        steps = run.steps
        for begun in self.definition.steps:
            state = steps[begun.name]
            if _open(state) and state.next_at is not None and state.next_at <= now:
                # Its outcome is not known: whether there is anything to undo shows only when it is repeated.
                self._again(begun, state, now)
        if any(_open(state) for state in steps.values()):
            self._look_again()
            return
        for begun in self.definition.steps:
            state = steps[begun.name]
            if state.state in ("waiting", "retrying") and not self._undoable(begun, state):
                self._machines.fire_step(state, "reset")
                state.next_at = state.signal = None
        while (step := self._to_undo()) is not None:
            state = steps[step.name]
            if run.state != "compensating":
                self._fire("undo")
                self._say("run.compensating", {"reason": run.intent, "error": run.error})
            if state.state != "undoing":
                self._start_undoing(step, state, now)
            if state.state == "undoing":
                self._deliver(now)
                if state.state == "undoing" and state.next_at is not None and state.next_at <= now:
                    self._call_undo(step, state, now)
            if state.state == "undoing":
                self._look_again()
                return
        self._end("cancel" if run.intent in ("cancel", "undo") else "fail", now)

    def _to_undo(self) -> Step | None:
        found = [
            (
                self.run.steps[step.name].state != "undoing",
                -(self.run.steps[step.name].order or self._seen + 1),
                -number,
                step,
            )
            for number, step in enumerate(self.definition.steps)
            if self._undoable(step, self.run.steps[step.name])
        ]
        return min(found)[3] if found else None

    def _undoable(self, step: Step, state: StepState) -> bool:
        if state.state == "undoing":
            return True
        # What has failed for good or was lost may have had its effect all the same, so its compensation must bear that.
        if state.state in ("succeeded", "unknown"):
            return step.compensation is not None or "runs" in (state.memo or {})
        if "runs" in (state.memo or {}):
            return state.state in ("waiting", "failed")
        # So may what was accepted, and is waited for or was in vain.
        accepted = state.state == "waiting" or (state.state in ("retrying", "failed") and bool(state.memo))
        too_long = state.state == "failed" and (state.error or {}).get("code") == WAIT_OVER
        return step.compensation is not None and (accepted or too_long)

    def _start_undoing(self, step: Step, state: StepState, now: Instant) -> None:
        self._machines.fire_step(state, "undo")
        state.generation += 1
        state.attempt, state.error, state.next_at, state.signal = 0, None, now, None
        if "runs" in (state.memo or {}):
            assert state.memo is not None
            runs = state.memo["runs"]
            state.memo = {"runs": dict.fromkeys(runs)}
            state.next_at = None
            self.sent.extend(Sent(run, "@undo", {}) for run in runs)

    def _call_undo(self, step: Step, state: StepState, now: Instant) -> None:
        compensation = step.compensation
        assert compensation is not None
        if step.downstream is not None and (later := self._permit(step.downstream, now)) is not None:
            state.next_at = later
            return
        state.attempt += 1
        state.next_at = None
        self.calls.append(
            Call(
                self.run.id,
                step.name,
                state.generation,
                state.attempt,
                f"{self.run.id}.{step.name}.{state.generation}.undo",
                compensation.values(self._scope()),
                step.seconds,
                state.attempt > 1,
                True,
                state.memo or {},
            )
        )

    def _undone(self, step: Step, state: StepState, outcome: Outcome, now: Instant) -> None:
        if isinstance(outcome, Done):
            self._answered(step, well=True)
            self._machines.fire_step(state, "undone")
            state.ended_at, state.error, state.memo, state.order = now, None, None, 0
            self._say("step.undone", {"step": step.name, "attempt": state.attempt, "ended_at": now})
            return
        if isinstance(outcome, Waiting):
            state.memo, state.signal = outcome.memo or None, outcome.signal
            state.next_at = now + _micro(step.wait if outcome.seconds is None else outcome.seconds)
            return
        if isinstance(outcome, SubRuns):
            outcome = Failed("workflow.sub_runs_in_undo", "a compensation cannot start runs")
        self._answered(step, well=isinstance(outcome, Failed) and not outcome.retryable)
        state.error = _error(outcome)
        retry = (step.compensation or Compensation("", dict, step.retry, {})).retry
        definite = isinstance(outcome, Failed) and not outcome.retryable
        if not definite and state.attempt < retry.attempts:
            if isinstance(outcome, Failed):
                state.generation += 1
            seconds = retry.seconds(state.attempt) if outcome.seconds is None else outcome.seconds
            state.next_at = now + _micro(seconds)
            self._say(
                "step.retrying",
                {"step": step.name, "undo": True, "attempt": state.attempt, "error": state.error,
                 "next_at": state.next_at},
            )  # fmt: skip
        else:
            if isinstance(outcome, Failed):
                state.generation += 1
            self._say("step.undo_failed", {"step": step.name, "attempt": state.attempt, "error": state.error})
            self._park({"step": step.name, "undo": True, **state.error})

    # What operators want

    def _cancel(self, payload: Mapping[str, Any], now: Instant) -> None:
        if self.run.state in ENDED or self.run.intent is not None:
            return
        self.run.intent = "cancel"
        self._say("run.cancel_asked", payload)
        if self.run.state == "parked":
            self._fire("undo")

    def _undo_all(self, payload: Mapping[str, Any], now: Instant) -> None:
        if self.run.state in ("failed", "cancelled"):
            self._tell_parent()  # it is undone already; whoever asks waits for the answer
            return
        if self.run.intent is None or self.run.state == "parked":
            self.run.intent = "undo"
            self._say("run.undo_asked", payload)
            if self.run.state in ("completed", "parked"):
                self._fire("undo")

    def _retry(self, payload: Mapping[str, Any], now: Instant) -> None:
        run = self.run
        if run.state == "completed":
            return
        self._say("run.retry_asked", payload)
        if run.state == "parked" and run.intent is not None:
            self._fire("undo")  # it is the undoing that is stuck
            for state in run.steps.values():
                if state.state == "undoing":
                    state.attempt, state.next_at = 0, now
            return
        if run.state in (*ENDED, "parked"):
            self._fire("retry")
            run.intent, run.error, run.ended_at = None, None, None
            for state in run.steps.values():
                if state.state in ("failed", "unknown", "undone"):
                    self._reset(state)
        for state in run.steps.values():
            if state.state in ("retrying", "pending") and state.next_at is not None:
                state.next_at = now

    def _reset(self, state: StepState) -> None:
        lost = state.state == "unknown"
        self._machines.fire_step(state, "reset")
        state.attempt, state.ended_at, state.error, state.next_at = 0, None, None, None
        if not lost:
            # A lost call keeps its key: the operator who wants it again must not cause a second effect.
            state.generation += 1
            state.request = state.output = state.memo = None
        state.started_at = None

    def _skip(self, payload: Mapping[str, Any], now: Instant) -> None:
        run, name = self.run, str(payload.get("step"))
        state = run.steps.get(name)
        if state is None or state.state in ("calling", *PASSED):
            return
        if state.state == "undoing":
            self._machines.fire_step(state, "undone")
            if run.state == "parked":
                self._fire("undo")
        elif state.state == "undone":
            return
        else:
            self._machines.fire_step(state, "skip")
            if run.state in ("parked", "failed", "cancelled"):
                self._retry({}, now)
        state.ended_at, state.next_at, state.signal, state.error = now, None, None, None
        self._say("step.skipped", {"step": name, **payload})

    # Small things

    def _deliver(self, now: Instant) -> None:
        """Hand each signal to the step that waits for it; the others stay for one that may wait later."""
        if not self.inbox:
            return
        kept: list[Signal] = []
        for signal in self.inbox:
            if not self._delivered(signal, now):
                kept.append(signal)
            else:
                self.consumed.append(signal.number)
        self.inbox = kept

    def _delivered(self, signal: Signal, now: Instant) -> bool:
        for step in self.definition.steps:
            state = self.run.steps[step.name]
            if state.state not in ("waiting", "undoing"):
                continue
            if signal.name.startswith("run:") and signal.name[4:] in (state.memo or {}).get("runs", {}):
                self._sub_run_ended(step, state, signal, now)
                return True
            if state.state == "waiting" and state.signal == signal.name:
                self._call(step, state, now, signal)
                return state.state != "waiting"  # a downstream at its limit has to be asked later
        return False

    def _fire(self, trigger: str) -> None:
        self._machines.fire(self.run, trigger)
        self.triggers.append(trigger)

    def _end(self, trigger: str, now: Instant) -> None:
        self._fire(trigger)
        self.run.ended_at = now
        told: dict[str, Any] = {}
        if trigger == "complete" and self.definition.result is not None:
            told["output"] = self.run.output = self.definition.result(self._scope())
        elif self.run.error:
            told["error"] = self.run.error
        self._say(f"run.{self.run.state}", told)
        self._tell_parent()

    def _park(self, error: Mapping[str, Any] | None) -> None:
        self._fire("park")
        self.run.error = self.run.error if error is None else {**(self.run.error or {}), **error}
        self._say("run.parked", {"error": self.run.error})
        self._tell_parent()

    def _tell_parent(self) -> None:
        run = self.run
        if run.parent is not None and run.state != "parked":
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

    def _answered(self, step: Step, *, well: bool) -> None:
        if step.downstream is not None:
            (self.passed if well else self.failed).append(step.downstream)

    def _repetition(self, step: Step) -> str:
        found = self._actions.get(step.action)
        own: Callable[[Mapping[str, Any]], str] | None = getattr(found, "repetition_of", None)
        return getattr(found, "repetition", "keyed") if own is None else own(step.written)


def _open(state: StepState) -> bool:
    """Whether a call may have had its effect and nobody knows yet; what has a memo was accepted by an earlier one."""
    return state.state == "calling" or (state.state == "retrying" and state.request is not None and not state.memo)


def _micro(seconds: float) -> int:
    return round(seconds * SECOND)


def _error(outcome: Failed | Unknown) -> dict[str, Any]:
    return {"code": outcome.code, "message": outcome.message}


def _hash(values: object) -> str:
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
