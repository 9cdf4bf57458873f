"""The actions that belong to the runner itself: waiting for a moment, and for a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from shopctl.kernel import clock
from shopctl.kernel.clock import Clock, Instant, NotATime
from shopctl.kernel.errors import one_line
from shopctl.workflow.ports import Call, Done, Failed, Outcome, Waiting
from shopctl.workflow.step_values import StepValues

if TYPE_CHECKING:
    from shopctl.storage.unit import Unit

APPROVE = "approve"
_SECOND = 1_000_000
_LONGEST = 100 * 366 * 86_400.0  # seconds


class TimerAction:
    """Waits: `with = { seconds = 3600 }` or `{ until = "2027-01-01T00:00:00Z" }`. Output: {"until"}."""

    name = "timer"
    place: Literal["inside"] = "inside"
    undone_by = "nothing"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def problems(self, values: Mapping[str, Any]) -> list[str]:
        """See `Action`."""
        return self._read(values, written=True)[1]

    def perform(self, unit: Unit, call: Call) -> Outcome:
        """See `InsideAction`. The moment is fixed by the first call, whatever the clock does afterwards."""
        now = self._clock.now()
        until = call.memo.get("until")
        if until is None:
            until, problems = self._read(call.values)
            if problems:
                return Failed("timer.with", "; ".join(problems))
        if now >= until:
            return Done({"until": clock.show(until)})
        return Waiting(seconds=(until - now) / _SECOND, memo={"until": until})

    def _read(self, values: Mapping[str, Any], *, written: bool = False) -> tuple[Instant, list[str]]:
        read = StepValues(values, written=written)
        seconds = read.number("seconds", most=_LONGEST)
        moment = read.text("until")
        read.end()
        if ("seconds" in values) == ("until" in values):
            read.problems.append("either seconds or until is needed")
        until = self._clock.now() + round(seconds * _SECOND)
        if moment and not (written and "${" in moment):
            try:
                until = clock.parse(moment, self._clock.now())
            except NotATime as problem:
                read.wrong("until", f"is no time: {problem}")
        return until, read.problems


class ApprovalAction:
    """Waits for somebody to decide: `with = { question = "…" }`, which may be left out.

    The signal `approve` brings {"approved": true or false, "by", "note"}, which become the output. Anything else is no
    decision, and waits on.
    """

    name = "approval"
    place: Literal["inside"] = "inside"
    undone_by = "nothing"

    def problems(self, values: Mapping[str, Any]) -> list[str]:
        """See `Action`."""
        read = StepValues(values, written=True)
        read.text("question")
        read.end()
        return read.problems

    def perform(self, unit: Unit, call: Call) -> Outcome:
        """See `InsideAction`."""
        answer = call.signal or {}
        approved = answer.get("approved")
        if not isinstance(approved, bool):
            return Waiting(signal=APPROVE, memo={"question": call.values.get("question")})
        by, note = answer.get("by") or "somebody", answer.get("note")
        if not approved:
            return Failed("approval.refused", one_line(f"{by} refused it" + (f": {note}" if note else ""))[:300])
        return Done({"approved": True, "by": by, "note": note})
