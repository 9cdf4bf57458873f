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
    """The machines of one definition: of its runs, with the conditions of its steps, and of the steps themselves.

    What a trigger makes of a state does not change where no condition is asked, so the machine is asked once.
    """

    def __init__(self) -> None:
        self._moved, self._moved_step = _Transient(), _Transient()
        self._run = _events(RUN_STATES, RUN_LIFE_CYCLE, self._moved, _GUARDS)
        self._step = _events(STEP_STATES, STEP_LIFE_CYCLE, self._moved_step, {})
        self._targets: dict[tuple[str, str], str] = {}
        self._step_targets: dict[tuple[str, str], str] = {}

    def fire(self, run: Run, trigger: str) -> None:
        """Move a run. Raises transitions.MachineError where its life cycle or a condition does not allow it."""
        asked = (run.state, trigger)
        if asked not in self._targets:
            transient = self._moved
            transient.state, transient.run = run.state, run
            if not self._run[trigger].trigger(transient):
                raise ImpossibleTransition(f"a run that is {run.state} cannot {trigger} yet")
            if trigger in _GUARDS:
                run.state = transient.state
                return
            self._targets[asked] = transient.state
        run.state = self._targets[asked]

    def fire_step(self, step: StepState, trigger: str) -> None:
        """Move a step. Raises transitions.MachineError where its life cycle does not allow it."""
        asked = (step.state, trigger)
        if asked not in self._step_targets:
            transient = self._moved_step
            transient.state = step.state
            self._step[trigger].trigger(transient)
            self._step_targets[asked] = transient.state
        step.state = self._step_targets[asked]


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
