"""Calls of actions as the runner makes them."""

from __future__ import annotations

from typing import Any

from shopctl.kernel.clock import Clock
from shopctl.workflow.ports import Call, Failed, Outcome, OutsideAction, Unknown, Waiting


def call(values: dict[str, Any], **changes: Any) -> Call:
    """The first call of a step named `create`."""
    generation = changes.get("generation", 1)
    fields: dict[str, Any] = {
        "run_id": "run_1", "step": "create", "generation": generation, "attempt": 1,
        "key": f"run_1.create.{generation}", "values": values, "seconds": 5.0, "since": 1_000_000,
    }  # fmt: skip
    return Call(**(fields | changes))


def attempts(action: OutsideAction, values: dict[str, Any], most: int = 5, **changes: Any) -> list[Outcome]:
    """What the runner does with one step until it passes or is left: the same key after an unknown outcome alone."""
    outcomes: list[Outcome] = []
    generation, repeated = 1, False
    while len(outcomes) < most:
        made = call(values, generation=generation, attempt=len(outcomes) + 1, repeated=repeated, **changes)
        outcome = action.perform(made)
        outcomes.append(outcome)
        if isinstance(outcome, Unknown):
            repeated = True
        elif isinstance(outcome, Failed) and outcome.retryable:
            generation, repeated = generation + 1, False
        else:
            break
    return outcomes


def gone_on(action: OutsideAction, values: dict[str, Any], waiting: Outcome, **changes: Any) -> Outcome:
    """The next call of a step that waits."""
    assert isinstance(waiting, Waiting), waiting
    return action.perform(call(values, memo=waiting.memo, **changes))


class Standing(Clock):
    """A clock that tests turn."""

    def __init__(self, time: int = 1_000_000) -> None:
        self.time = time

    def now(self) -> int:
        return self.time
