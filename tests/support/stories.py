"""A run moved by hand, without a database: what the runner does between a claim and a release."""

from __future__ import annotations

from typing import Any

from shopctl.workflow import queries
from shopctl.workflow.machine import Machines
from shopctl.workflow.model import Run, Signal
from shopctl.workflow.ports import Call, Outcome
from shopctl.workflow.progress import Progress
from shopctl.workflow.reading import read_definition

SECOND = 1_000_000


class Named:
    """An action of which only its name and what may be repeated matter."""

    def __init__(self, name: str, repetition: str = "keyed") -> None:
        self.name, self.repetition = name, repetition
        self.place = "outside"

    def problems(self, values: Any) -> list[str]:
        return []

    def perform(self, call: Call) -> Outcome:
        raise NotImplementedError


class Story:
    """One run of a definition, its clock, and the signals it was sent."""

    def __init__(self, *steps: dict[str, Any], repetitions: dict[str, str] | None = None, **input: Any) -> None:
        self.definition = read_definition(
            {"name": "story", "steps": list(steps), "downstreams": {"bank": {"concurrency": 1}}}
        )
        self.actions = {name: Named(name, (repetitions or {}).get(name, "keyed")) for name in self.definition.actions}
        self.now = 1_000_000 * SECOND
        self.asked: list[str] = []  # downstreams
        self.closed_until: int | None = None
        self.run = Run("run_1", "story", 1, "test", "thing", "pending", 1, 1, input, {})
        self.sent: list[tuple[str, str, Any]] = []
        self.events: list[str] = []
        self._number = 0
        self._unread: list[Signal] = []
        self.claim()

    def permit(self, name: str, now: int) -> int | None:
        self.asked.append(name)
        return self.closed_until

    def claim(self) -> None:
        """The next worker takes the run as it was stored; calls that have not come back are interrupted."""
        self.run.steps = queries.read_steps(queries.stored_steps(self.run.steps))
        for step in self.definition.steps:
            self.run.steps.setdefault(step.name, queries.fresh_step())
        self.progress = Progress(self.run, self.definition, Machines(), self.actions, self.permit)
        self.progress.claimed(self.now)
        for signal in self._unread:
            self.progress.signal(signal, self.now)

    def go(self, **answers: Outcome) -> list[Call]:
        """Take in what came back from steps, and make the calls that follow."""
        for name, outcome in answers.items():
            self.progress.outcome(name, self.run.steps[name].generation, outcome, self.now)
        self.progress.forward(self.now)
        self.sent += self.progress.sent
        self.events += [f"{event.type} {event.payload.get('step', '')}".strip() for event in self.progress.events]
        self._unread = [signal for signal in self._unread if signal.number not in self.progress.consumed]
        calls = self.progress.calls
        self.progress.written()
        return calls

    def send(self, name: str, **payload: Any) -> None:
        """A signal arrives."""
        self._number += 1
        self._unread.append(Signal(self._number, name, payload))
        self.progress.signal(self._unread[-1], self.now)

    def later(self, seconds: float) -> None:
        """Time passes."""
        self.now += round(seconds * SECOND)

    def states(self) -> dict[str, str]:
        """Where each step stands."""
        return {name: state.state for name, state in self.run.steps.items()}


def step(name: str, action: str | None = None, **more: Any) -> dict[str, Any]:
    """A step of a definition; its action has the same name unless another is given."""
    return {"name": name, "action": action or name, **more}
