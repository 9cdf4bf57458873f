"""One run moved forward at one moment: what came back is taken in, what is next is decided. No I/O.

The order of things: `claimed` once after a claim, `signal` for each that arrived, `outcome` for each call that came
back, then `forward`, which leaves the next `calls`. What is to be written stands in `run`, `events`, `sub_runs` and
`sent`; the runner writes it before it makes the calls.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from shopctl.kernel.clock import Instant
from shopctl.workflow.backwards import Backwards
from shopctl.workflow.model import ENDED, Signal, StepState
from shopctl.workflow.moves import INTERRUPTED, PASSED, has_runs
from shopctl.workflow.ports import Call, Outcome

_DUE = ("pending", "retrying", "waiting", "calling", "undoing")  # states that a moment may end

_ENDS = frozenset(PASSED)
_STUCK = frozenset({"unknown", "failed"})


class Progress(Backwards):
    """A run that this process holds, with its definition; lives from the claim to the release."""

    # What arrives

    def claimed(self, now: Instant, flying: Collection[tuple[str, int]] = ()) -> None:
        """Calls whose intent was written and whose result was not: their outcome is unknown.

        Those that are `flying`, as step and generation, will still come back.
        """
        parked = self.run.state == "parked"  # an undoing without a moment waits for an operator then
        for step in self.definition.steps:
            state = self.run.steps[step.name]
            if (step.name, state.generation) in flying:
                continue
            if state.state == "calling":
                if self._repetition(step) == "never":
                    self._lose(step, state, INTERRUPTED, now)
                else:
                    state.next_at = now
            elif state.state == "undoing" and state.next_at is None and not has_runs(state) and not parked:
                self._interrupted_undo(step, state, now)

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

    def withdrawn(self, call: Call, now: Instant) -> None:
        """Take in that a call was not made after all: it is due again, and nothing has to be feared of it."""
        step, state = self.definition.by_name[call.step], self.run.steps[call.step]
        if call.generation != state.generation:
            return
        if state.state == "undoing":
            self._take_back_undo(state, now, repeated=call.repeated)
        elif state.state == "calling":
            self._take_back(step, state, now, repeated=call.repeated)

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
                break
        if run.intent is not None:
            self._backward(now)
        else:
            self._settle(now)

    def _settle(self, now: Instant) -> None:
        run = self.run
        states = run.steps.values()
        found = {state.state for state in states}
        if "calling" in found:
            if run.state != "running":
                self._fire("go_on")
        elif found <= _ENDS:
            self._end("complete", now)
            return
        elif not found.isdisjoint(_STUCK):
            self._park(next(state.error for state in states if state.state in _STUCK))
            return
        elif run.state != "waiting":
            self._fire("wait")
        moments = [state.next_at for state in states if state.next_at is not None and state.state in _DUE]
        self.next_at = min(moments, default=None)

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
        stuck = self.run.state == "parked"
        if self.run.intent is None or stuck:
            self.run.intent = "undo"
            self._say("run.undo_asked", payload)
            if stuck:
                self._undo_again(now)
            elif self.run.state == "completed":
                self._fire("undo")

    def _retry(self, payload: Mapping[str, Any], now: Instant) -> None:
        run = self.run
        if run.state == "completed":
            return
        self._say("run.retry_asked", payload)
        if run.state == "parked" and run.intent is not None:
            self._undo_again(now)
            return
        if run.state in (*ENDED, "parked"):
            self._fire("retry")
            run.intent, run.error, run.ended_at = None, None, None
            for step in self.definition.steps:
                state = run.steps[step.name]
                if state.state == "failed" and has_runs(state):
                    self._retry_parts(step, state, now)
                elif state.state in ("failed", "unknown", "undone"):
                    self._reset(state)
        for state in run.steps.values():
            if state.next_at is not None and (
                state.state in ("retrying", "pending") or (state.state == "undoing" and state.error is not None)
            ):
                state.next_at = now

    def _reset(self, state: StepState) -> None:
        lost = state.state == "unknown"
        self._machines.fire_step(state, "reset")
        state.attempt, state.order = 0, 0
        state.ended_at = state.error = state.next_at = state.started_at = None
        if not lost:
            # A lost call keeps its key: the operator who wants it again must not cause a second effect.
            state.generation += 1
            state.request = state.output = state.memo = state.news = None

    def _skip(self, payload: Mapping[str, Any], now: Instant) -> None:
        run, name = self.run, str(payload.get("step"))
        state = run.steps.get(name)
        if state is None or state.state in ("calling", "undone", *PASSED):
            return
        if state.state == "undoing":
            self._machines.fire_step(state, "undone")
            state.order, state.memo = 0, None
            if run.state == "parked":
                self._fire("undo")
        else:
            self._machines.fire_step(state, "skip")
            if run.state in ("parked", "failed", "cancelled"):
                self._retry({}, now)
        state.ended_at = now
        state.next_at = state.signal = state.error = state.request = state.news = None
        self._say("step.skipped", {"step": name, **payload})
