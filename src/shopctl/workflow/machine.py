"""Life cycles as `transitions` machines that drive one transient object; what is stored is its state alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shopctl.workflow.model import RUN_LIFE_CYCLE, RUN_STATES, STEP_LIFE_CYCLE, STEP_STATES, Run, StepState, Transition

_PASSED = ("succeeded", "skipped")
_GUARDS = {"complete": ["all_passed"], "fail": ["nothing_flies"], "cancel": ["nothing_flies"]}


class _Transient:
    """What a machine moves: it takes on a run or a step for as long as one trigger lasts."""

    def __init__(self) -> None:
        self.state = ""
        self.run: Run | None = None

    def all_passed(self) -> bool:
        """A run is complete when no step is left."""
        assert self.run is not None
        return all(step.state in _PASSED for step in self.run.steps.values())

    def nothing_flies(self) -> bool:
        """A run does not end while a call of it may still have its effect."""
        assert self.run is not None
        return all(step.state not in ("calling", "undoing") for step in self.run.steps.values())


class Machines:
    """The machines of one definition: of its runs, whose end depends on how its steps stand, and of those steps."""

    def __init__(self) -> None:
        self._moved, self._moved_step = _Transient(), _Transient()
        self._run = _events(RUN_STATES, RUN_LIFE_CYCLE, self._moved, _GUARDS)
        self._step = _events(STEP_STATES, STEP_LIFE_CYCLE, self._moved_step, {})

    def fire(self, run: Run, trigger: str) -> None:
        """Move a run. Raises transitions.MachineError where its life cycle or a condition does not allow it."""
        self._moved.state, self._moved.run = run.state, run
        if not self._run[trigger].trigger(self._moved):
            raise ImpossibleTransition(f"a run that is {run.state} cannot {trigger} yet")
        run.state = self._moved.state

    def fire_step(self, step: StepState, trigger: str) -> None:
        """Move a step. Raises transitions.MachineError where its life cycle does not allow it."""
        self._moved_step.state = step.state
        self._step[trigger].trigger(self._moved_step)
        step.state = self._moved_step.state


class ImpossibleTransition(RuntimeError):
    """A condition of the machine does not hold: the runner has asked for what must not be."""


def _events(
    states: Sequence[str], cycle: Sequence[Transition], transient: _Transient, guards: dict[str, list[str]]
) -> dict[str, Any]:
    from transitions import Machine

    machine = Machine(
        model=transient,
        states=list(states),
        initial=states[0],
        auto_transitions=False,
        transitions=[
            {
                "trigger": row.trigger,
                "source": list(row.sources),
                "dest": row.target,
                "conditions": guards.get(row.trigger, []),
            }
            for row in cycle
        ],
    )
    events: dict[str, Any] = machine.events
    return events
