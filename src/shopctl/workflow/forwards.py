"""The steps of a run go forwards: begun, called, called again, waited for, passed or failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shopctl.kernel import ids
from shopctl.kernel.clock import Instant
from shopctl.workflow.definition import Step
from shopctl.workflow.model import Signal, StepState
from shopctl.workflow.moves import (
    KEY_EXPIRED,
    PASSED,
    REQUEST_CHANGED,
    Moves,
    Sent,
    error_of,
    has_runs,
    micro,
    of_expression,
    outlived,
    wait_over,
)
from shopctl.workflow.ports import Done, Failed, Outcome, SubRuns, Unknown, Waiting

_SOONEST = 0.05  # seconds between two calls of a step that waits


class Forwards(Moves):
    """How single steps move on."""

    def _begin(self, step: Step, state: StepState, now: Instant) -> None:
        steps = self.run.steps
        for need in step.needs:
            if steps[need].state not in PASSED:
                return
        try:
            applies = step.when is None or step.when(self._scope())
        except Exception as error:
            self._refuse(step, state, of_expression("when", error), now)
            return
        if not applies:
            self._machines.fire_step(state, "skip")
            state.ended_at = now
            self._say("step.skipped", {"step": step.name, "condition": step.condition})
            return
        self._call(step, state, now)

    def _again(self, step: Step, state: StepState, now: Instant) -> None:
        if state.state == "waiting" and state.started_at is not None and now >= state.started_at + micro(step.wait):
            # It was accepted: there may be something to undo.
            self._seen += 1
            state.order = self._seen
            self._fail(step, state, wait_over(step), now)
            return
        doubtful = state.state == "calling" or (state.state == "retrying" and state.request is not None)
        # What was accepted under it (a memo tells) is only looked at by now.
        if doubtful and not state.memo and outlived(step, state, now) and self._repetition(step) == "keyed":
            # The other side may have forgotten the key by now, and would do it again (design, decision 4).
            self._machines.fire_step(state, "call")
            self._lose(step, state, KEY_EXPIRED, now)
            return
        self._call(step, state, now)

    def _call(self, step: Step, state: StepState, now: Instant, signal: Signal | None = None) -> None:
        polled, interrupted = state.state == "waiting", state.state == "calling"
        repeated = state.request is not None and not polled
        try:
            values, request = self._asked(step.values)
        except Exception as error:
            self._refuse(step, state, of_expression("with", error), now)
            return
        if repeated and state.request != request:
            self._machines.fire_step(state, "call")
            self._lose(step, state, REQUEST_CHANGED, now)
            return
        if step.downstream is not None and (later := self._permit(step.downstream, now)) is not None:
            state.next_at = later
            return
        self._machines.fire_step(state, "call")
        if not polled and not interrupted:
            state.attempt += 1
        if signal is not None:
            state.news = signal.payload
        if state.started_at is None:
            state.started_at = now
        state.next_at, state.request = None, request
        (self.polls.add if polled else self.polls.discard)(step.name)
        self._place(step, state, values, repeated=repeated, undoing=False)

    def _refuse(self, step: Step, state: StepState, outcome: Failed, now: Instant) -> None:
        self._machines.fire_step(state, "call")
        self._fail(step, state, outcome, now)

    def _take_back(self, step: Step, state: StepState, now: Instant, *, repeated: bool) -> None:
        """A call that was not made after all is to be made soon; nothing has to be feared of it."""
        if step.name in self.polls:
            self._machines.fire_step(state, "wait")
        else:
            self._machines.fire_step(state, "retry")
            state.attempt -= 1
            if not repeated:
                state.request = None
        state.next_at = now

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
            over = (state.started_at or now) + micro(step.wait)
            soon = over if outcome.seconds is None else now + micro(max(_SOONEST, outcome.seconds))
            state.next_at = min(over, soon)
            if outcome.signal is not None:
                self._say("step.waiting", {"step": step.name, "signal": outcome.signal, "next_at": state.next_at})
        elif isinstance(outcome, SubRuns):
            self._answered(step, well=True)
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
        if not has_runs(state):
            state.memo = None
        self._say(
            "step.succeeded",
            {"step": step.name, "attempt": state.attempt, "started_at": state.started_at, "ended_at": now},
        )

    def _later(self, step: Step, state: StepState, outcome: Failed | Unknown, now: Instant) -> None:
        self._machines.fire_step(state, "retry")
        seconds = step.retry.seconds(state.attempt) if outcome.seconds is None else outcome.seconds
        state.next_at, state.error = now + micro(seconds), error_of(outcome)
        self._say(
            "step.retrying",
            {"step": step.name, "attempt": state.attempt, "error": state.error, "next_at": state.next_at},
        )

    def _fail(self, step: Step, state: StepState, outcome: Failed, now: Instant) -> None:
        self._machines.fire_step(state, "fail")
        state.error, state.ended_at, state.next_at, state.signal = error_of(outcome), now, None, None
        self._say("step.failed", {"step": step.name, "attempt": state.attempt, "error": state.error})
        if step.on_failure == "continue":
            self._machines.fire_step(state, "skip")
            return
        self.run.error = {"step": step.name, **error_of(outcome)}
        if step.on_failure == "compensate" and self.run.intent is None:
            self.run.intent = "fail"

    def _lose(self, step: Step, state: StepState, outcome: Unknown, now: Instant) -> None:
        self._machines.fire_step(state, "lose")
        state.error, state.ended_at, state.next_at = error_of(outcome), now, None
        self.run.error = {"step": step.name, **error_of(outcome)}
        self._say("step.unknown", {"step": step.name, "attempt": state.attempt, "error": state.error})

    # Sub-runs

    def _starts(self, step: Step, state: StepState, outcome: SubRuns, now: Instant) -> None:
        if not outcome.runs:
            self._passes(step, state, {"runs": {}}, now)
            return
        self._machines.fire_step(state, "wait")
        runs = [run._replace(id=run.id or ids.new("run")) for run in outcome.runs]
        state.memo = {"runs": {str(run.id): None for run in runs}}
        state.next_at = (state.started_at or now) + micro(step.wait)
        self.sub_runs.extend(runs)
        self._say("step.waiting", {"step": step.name, "runs": [run.id for run in runs]})

    def _part_ended(self, step: Step, state: StepState, child: str, ended: str, now: Instant) -> None:
        """One of the runs that the step has started has come to its end."""
        assert state.memo is not None
        runs = {**state.memo["runs"], child: ended}
        state.memo = {"runs": runs}
        if any(found is None for found in runs.values()):
            return
        self._machines.fire_step(state, "call")
        bad = [run for run, found in runs.items() if found != "completed"]
        if bad:
            self._fail(step, state, Failed("workflow.sub_run_failed", f"{bad[0]} has {runs[bad[0]]}"), now)
        else:
            self._passes(step, state, {"runs": runs}, now)

    def _retry_parts(self, step: Step, state: StepState, now: Instant) -> None:
        """Those that did not complete go on; the others have had their effect and must not be begun once more."""
        assert state.memo is not None
        runs = state.memo["runs"]
        for trigger in ("reset", "call", "wait"):
            self._machines.fire_step(state, trigger)
        state.memo = {"runs": {run: found if found == "completed" else None for run, found in runs.items()}}
        state.ended_at, state.error, state.order = None, None, 0
        state.started_at, state.next_at = now, now + micro(step.wait)
        self.sent.extend(Sent(run, "@retry", {}) for run, found in runs.items() if found != "completed")
