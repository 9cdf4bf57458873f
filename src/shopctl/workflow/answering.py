"""Takes what other systems answer later, through the URLs that were signed for them: each answer once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from shopctl.kernel.clock import Clock, Instant
from shopctl.kernel.errors import Conflict
from shopctl.storage.database import Database
from shopctl.storage.unit import Unit
from shopctl.workflow import queries
from shopctl.workflow.callbacks import CallbackTarget, callback_signal
from shopctl.workflow.errors import RunNotFound
from shopctl.workflow.model import ENDED, StepState

Taken = Literal["accepted", "known"]

WAITING = 20  # answers that may lie in a run's box for one step

_OPEN = ("pending", "calling", "waiting", "retrying", "unknown", "undoing")
_PAST = ("succeeded", "skipped", "undone")


class NobodyWaits(Conflict):
    """The run is {state}; nobody waits for an answer any more."""

    code = "workflow.nobody_waits"
    hint = "See its story with: shopctl provision show {id}"


class TooManyAnswers(Conflict):
    """There are {count} answers for this step already that nobody has looked at."""

    code = "workflow.too_many_answers"
    hint = "Have a worker running: shopctl worker"


class CallbackService:
    """Answers to the steps of a shop's runs."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def take(self, target: CallbackTarget, body: Any, headers: Mapping[str, str]) -> Taken:
        """Wake the step that the target names with {"body","headers"}; `body` is any JSON value.

        `known` when it changes nothing: the step was answered, or has this very answer. Raises RunNotFound,
        NobodyWaits, TooManyAnswers.
        """
        with self._database.unit() as unit:
            return answer(unit, target, {"body": body, "headers": dict(headers)}, now=self._clock.now())


def answer(unit: Unit, target: CallbackTarget, payload: Mapping[str, Any], *, now: Instant) -> Taken:
    """Put an answer into the box of the run, unless it is there or nobody needs it; see `CallbackService.take`."""
    # Two that bring the same take turns, and the second sees what the first has done.
    unit.tuples(f"select id from workflow_run where id = :id {unit.for_update}", id=target.run_id)
    run = queries.get(unit, target.run_id)
    if run is None:
        raise RunNotFound(id=target.run_id)
    state = run.steps.get(target.step) or StepState()
    if state.generation > target.generation or state.state in _PAST or run.state == "completed":
        return "known"
    if run.state in ENDED or state.state not in _OPEN:
        raise NobodyWaits(id=run.id, state=run.state)
    name = callback_signal(target.step, target.generation)
    box = [signal.payload for signal in queries.signals(unit, [run.id]).get(run.id, ()) if signal.name == name]
    if any(known.get("body") == payload["body"] for known in (*box, *([state.news] if state.news else ()))):
        return "known"
    if len(box) >= WAITING:
        raise TooManyAnswers(count=len(box))
    queries.send(unit, run.id, name, payload, now=now)
    return "accepted"
