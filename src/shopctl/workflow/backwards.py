"""A run goes backwards: what has passed is undone, the latest first, one step after the other."""

from __future__ import annotations

from shopctl.kernel.clock import Instant
from shopctl.workflow.definition import Step
from shopctl.workflow.forwards import Forwards
from shopctl.workflow.model import Signal, StepState
from shopctl.workflow.moves import (
    INTERRUPTED,
    KEY_EXPIRED,
    REQUEST_CHANGED,
    Sent,
    error_of,
    has_runs,
    micro,
    of_expression,
    outlived,
    wait_over,
)
from shopctl.workflow.ports import Done, Failed, Outcome, SubRuns, Unknown, Waiting

_LATEST = 1 << 60
_TOLD = ("by", "note", "approved")


class Backwards(Forwards):
    """How what has passed is undone. A compensation counts its own attempts and generations."""

    def _backward(self, now: Instant) -> None:
        run = self.run
        if self._in_doubt(now):
            return
        while (step := self._to_undo()) is not None:
            state = run.steps[step.name]
            if run.state != "compensating":
                self._fire("undo")
                self._say("run.compensating", {"reason": run.intent, "error": run.error})
            if state.state != "undoing":
                self._start_undoing(state, now)
            self._deliver(now)
            if state.state == "undoing" and state.next_at is not None and state.next_at <= now:
                self._call_undo(step, state, now)
            if run.state == "parked":
                return
            if state.state == "undoing":
                self.next_at = state.next_at
                return
        self._end("cancel" if run.intent in ("cancel", "undo") else "fail", now)

    def _in_doubt(self, now: Instant) -> bool:
        """Whether a call may still have its effect: what there is to undo shows only when it is known.

        Interrupted calls and those without an answer are repeated under their key. What is retried after a definite
        failure, or waits and has nothing to undo, is let be.
        """
        for step in self.definition.steps:
            state = self.run.steps[step.name]
            if _doubtful(state):
                if state.next_at is not None and state.next_at <= now:
                    self._again(step, state, now)
            elif state.state == "pending" and state.request is not None:
                # It was lost, and was to be called once more.
                self._machines.fire_step(state, "call")
                self._machines.fire_step(state, "lose")
                state.next_at = None
            elif state.state == "retrying" or (state.state == "waiting" and not self._undoable(step, state)):
                self._machines.fire_step(state, "reset")
                state.next_at = state.signal = None
        doubtful = [state for state in self.run.steps.values() if _doubtful(state)]
        self.next_at = min((state.next_at for state in doubtful if state.next_at is not None), default=None)
        return bool(doubtful)

    def _to_undo(self) -> Step | None:
        steps = self.run.steps
        found = [
            (steps[step.name].state != "undoing", -(steps[step.name].order or _LATEST), -number, step)
            for number, step in enumerate(self.definition.steps)
            if self._undoable(step, steps[step.name])
        ]
        return min(found)[3] if found else None

    def _undoable(self, step: Step, state: StepState) -> bool:
        if state.state == "undoing":
            return True
        # What was lost, or accepted and not finished, may have had its effect, so its compensation must bear that.
        if state.state in ("succeeded", "unknown", "waiting") or (state.state == "failed" and state.order):
            return step.compensation is not None or has_runs(state)
        return state.state == "failed" and has_runs(state)

    def _start_undoing(self, state: StepState, now: Instant) -> None:
        self._machines.fire_step(state, "undo")
        state.generation += 1
        state.attempt, state.next_at = 0, now
        state.error = state.request = state.started_at = state.signal = state.news = None
        if has_runs(state):
            assert state.memo is not None
            runs = state.memo["runs"]
            state.memo, state.next_at = {"runs": dict.fromkeys(runs)}, None
            self.sent.extend(Sent(run, "@undo", {}) for run in runs)

    def _call_undo(self, step: Step, state: StepState, now: Instant) -> None:
        compensation = step.compensation
        assert compensation is not None
        repeated = state.request is not None
        if repeated and outlived(step, state, now) and self._repetition(step, undoing=True) == "keyed":
            self._stuck(step, state, KEY_EXPIRED)
            return
        if not repeated and state.started_at is not None and now >= state.started_at + micro(step.wait):
            self._stuck(step, state, wait_over(step))
            return
        try:
            values, request = self._asked(compensation.values)
        except Exception as error:
            self._stuck(step, state, of_expression("compensate", error))
            return
        if repeated and state.request != request:
            self._stuck(step, state, REQUEST_CHANGED)
            return
        if step.downstream is not None and (later := self._permit(step.downstream, now)) is not None:
            state.next_at = later
            return
        state.attempt += 1
        state.next_at, state.request = None, request
        if state.started_at is None:
            state.started_at = now
        self._place(step, state, values, repeated=repeated, undoing=True)

    def _take_back_undo(self, state: StepState, now: Instant, *, repeated: bool) -> None:
        state.attempt -= 1
        state.next_at = now
        if not repeated:
            state.request = None

    def _interrupted_undo(self, step: Step, state: StepState, now: Instant) -> None:
        if self._repetition(step, undoing=True) == "never":
            self._stuck(step, state, INTERRUPTED)
        else:
            state.attempt = max(0, state.attempt - 1)
            state.next_at = now

    def _undone(self, step: Step, state: StepState, outcome: Outcome, now: Instant) -> None:
        if not isinstance(outcome, Unknown):
            state.news = None
        if isinstance(outcome, Done):
            self._answered(step, well=True)
            self._machines.fire_step(state, "undone")
            state.ended_at, state.order = now, 0
            state.error = state.memo = state.request = state.signal = state.next_at = None
            self._say("step.undone", {"step": step.name, "attempt": state.attempt, "ended_at": now})
            return
        if isinstance(outcome, Waiting):
            # Accepted: the next call under this key goes on with it, and is no attempt of its own.
            self._answered(step, well=True)
            state.memo, state.signal, state.request, state.error = outcome.memo or None, outcome.signal, None, None
            state.attempt -= 1
            over = (state.started_at or now) + micro(step.wait)
            soon = over if outcome.seconds is None else now + micro(max(0.05, outcome.seconds))
            state.next_at = min(over, soon)
            return
        if isinstance(outcome, SubRuns):
            outcome = Failed("workflow.sub_runs_in_undo", "a compensation cannot start runs")
        definite = isinstance(outcome, Failed)
        again = outcome.retryable if isinstance(outcome, Failed) else self._repetition(step, undoing=True) != "never"
        self._answered(step, well=definite and not again)
        if definite:
            state.generation += 1
            state.request = state.started_at = state.memo = state.signal = None
        retry = step.retry if step.compensation is None else step.compensation.retry
        if not again or state.attempt >= retry.attempts:
            self._stuck(step, state, outcome)
            return
        seconds = retry.seconds(state.attempt) if outcome.seconds is None else outcome.seconds
        state.next_at, state.error = now + micro(seconds), error_of(outcome)
        self._say(
            "step.retrying",
            {"step": step.name, "undo": True, "attempt": state.attempt, "error": state.error, "next_at": state.next_at},
        )

    def _stuck(self, step: Step, state: StepState, outcome: Failed | Unknown) -> None:
        """A compensation that failed for good is never called done: an operator decides."""
        state.error, state.next_at = error_of(outcome), None
        self._say("step.undo_failed", {"step": step.name, "attempt": state.attempt, "error": state.error})
        self._park({"step": step.name, "undo": True, **state.error})

    def _undo_again(self, now: Instant) -> None:
        """The undoing that was stuck begins anew."""
        self._fire("undo")
        for state in self.run.steps.values():
            if state.state == "undoing" and not has_runs(state):
                state.attempt, state.next_at = 0, now
                if state.request is None or state.error == error_of(KEY_EXPIRED):
                    state.started_at = None  # an operator wants it, whatever its age

    # Signals

    def _deliver(self, now: Instant) -> None:
        """Hand each signal to the step that waits for it; the others stay for one that may wait later."""
        if not self.inbox:
            return
        kept: list[Signal] = []
        for signal in self.inbox:
            if self._delivered(signal, now):
                self.consumed.append(signal.number)
            else:
                kept.append(signal)
        self.inbox = kept

    def _delivered(self, signal: Signal, now: Instant) -> bool:
        child = signal.name.removeprefix("run:") if signal.name.startswith("run:") else None
        for step in self.definition.steps:
            state = self.run.steps[step.name]
            if state.state not in ("waiting", "undoing"):
                continue
            if child is not None and has_runs(state) and state.memo is not None and child in state.memo["runs"]:
                ended = str(signal.payload.get("state"))
                if state.state == "waiting":
                    self._part_ended(step, state, child, ended, now)
                elif ended != "completed":  # which it was before it was asked to undo
                    self._part_undone(step, state, child, ended, now)
                return True
            if state.signal == signal.name:
                if state.state == "undoing":
                    state.news, state.signal, state.next_at = signal.payload, None, now
                    self._heard(step, signal)
                    return True
                if self.run.intent is None:
                    self._call(step, state, now, signal)
                    heard = state.state != "waiting"  # a downstream at its limit has to be asked later
                    if heard:
                        self._heard(step, signal)
                    return heard
        return False

    def _heard(self, step: Step, signal: Signal) -> None:
        """Somebody told it: who, and what he said with it; the rest is for the step alone."""
        told = {name: signal.payload[name] for name in _TOLD if signal.payload.get(name) is not None}
        if "by" in told:
            self._say("step.signalled", {"step": step.name, "signal": signal.name, **told})

    def _part_undone(self, step: Step, state: StepState, child: str, ended: str, now: Instant) -> None:
        assert state.memo is not None
        runs = {**state.memo["runs"], child: ended}
        state.memo = {"runs": runs}
        if any(found is None for found in runs.values()):
            return
        if step.compensation is None:
            self._undone(step, state, Done(), now)
        else:
            state.memo, state.next_at = None, now


def _doubtful(state: StepState) -> bool:
    return state.state == "calling" or (state.state == "retrying" and state.request is not None)
