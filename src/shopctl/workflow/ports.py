"""What the runner needs from outside: the actions that steps call, and who hears of a run's end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from shopctl.kernel.clock import Instant
    from shopctl.storage.unit import Unit
    from shopctl.workflow.model import NewRun, Run

Repetition = Literal["keyed", "at_least_once", "never"]
"""What may be done after an unknown outcome: `keyed` calls have their effect once under one key, `at_least_once` ones
do no harm when repeated, `never` leaves the step to an operator."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an action: a pure function of the run and its input, so that any engine can make it.

    `key` is the same for every repetition of one call and differs between calls that are to have an effect each.
    """

    run_id: str
    step: str
    generation: int  # rises after a definite failure alone
    attempt: int  # from 1
    key: str
    values: Mapping[str, Any]  # the step's `with`, its expressions resolved
    seconds: float  # how long it may take
    repeated: bool = False  # whether an earlier call under this key may have had its effect
    undoing: bool = False  # whether it is a compensation
    memo: Mapping[str, Any] = field(default_factory=dict)  # what the last Waiting of this step kept
    signal: Mapping[str, Any] | None = None  # what the signal brought that the step waited for
    since: Instant = 0  # of the first call under this key; what has an end keeps it when the call is repeated


@dataclass(frozen=True, slots=True)
class Done:
    """The step has passed; `output` is a JSON object that later steps may read."""

    output: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Accepted, not finished: the action is called again with `memo` when the signal comes or the time has passed.

    Neither counts as an attempt. Without `seconds` it waits for the signal alone, until the step's `wait` is over.
    """

    signal: str | None = None
    seconds: float | None = None
    memo: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    """It had no effect, for sure. A retryable one is called again under a new key, after `seconds` where given."""

    code: str  # such as "http.422"; groups runs that are stuck for the same reason
    message: str
    retryable: bool = False
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may have had its effect: a time-out, a dropped connection. Repeated under the same key where that is safe."""

    code: str
    message: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class SubRuns:
    """Runs that the step starts and waits for; they begin in the unit that records this."""

    runs: Sequence[NewRun]


Outcome = Done | Waiting | Failed | Unknown | SubRuns


class Action(Protocol):
    """What the two kinds have in common. One object serves every step and thread: it keeps no state of a call."""

    name: str

    def problems(self, values: Mapping[str, Any]) -> list[str]:
        """What is wrong with a step's `with` as written, one line each; expressions are still `${…}` texts."""


class OutsideAction(Action, Protocol):
    """Reaches out of the database, so it is called between units, by a thread of its own.

    One whose steps differ in what may be repeated has a method `repetition_of(values)` as well, for a step's `with`.
    """

    place: Literal["outside"]
    repetition: Repetition

    def perform(self, call: Call) -> Outcome:
        """Make the call. What it raises counts as Unknown, so definite failures must be returned."""


class InsideAction(Action, Protocol):
    """Writes to the shop's database alone, in the unit that records its outcome: both happen or neither does."""

    place: Literal["inside"]

    def perform(self, unit: Unit, call: Call) -> Outcome:
        """Make the change. A ShopctlError it raises undoes what it wrote and counts as Failed, retryable or not."""


class Listener(Protocol):
    """Hears of changes to runs of its system, in the unit that makes them."""

    def run_changed(self, unit: Unit, run: Run, trigger: str) -> None:
        """The run went through `trigger` (start, complete, fail, cancel, park, …) and is in its new state."""
