"""One piece of work over a port, as an action inside of the database or outside of it, wherever the port is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from shopctl.kernel.errors import ShopctlError
from shopctl.provisioning.actions.given import Fields, problems
from shopctl.provisioning.actions.outcomes import fit
from shopctl.provisioning.ports import Inside, Outside
from shopctl.storage.unit import Unit
from shopctl.workflow.ports import Action, Call, Failed, Outcome, Repetition, Unknown, Waiting

_AGAIN = 60.0  # seconds until a look that failed is taken again


@dataclass(frozen=True, slots=True)
class Job:
    """What an action does with its port; errors it raises are told by where the port is kept."""

    name: str
    fields: Fields
    work: Callable[[Any, Call], Outcome]
    repetition: Repetition = "keyed"


def placed(jobs: list[Job], kept: Inside[Any] | Outside[Any]) -> dict[str, Action]:
    """The actions by their names."""
    return {job.name: _Within(job, kept) if kept.place == "inside" else _Asking(job, kept) for job in jobs}


class _Placed:
    def __init__(self, job: Job) -> None:
        self.name = job.name
        self._job = job

    def problems(self, values: Mapping[str, Any]) -> list[str]:
        """See `Action`."""
        return problems(values, self._job.fields)


class _Within(_Placed):
    place: Literal["inside"] = "inside"

    def __init__(self, job: Job, kept: Inside[Any]) -> None:
        super().__init__(job)
        self._kept = kept

    def perform(self, unit: Unit, call: Call) -> Outcome:
        """See `InsideAction`."""
        return self._job.work(self._kept.within(unit), call)


class _Asking(_Placed):
    place: Literal["outside"] = "outside"

    def __init__(self, job: Job, kept: Outside[Any]) -> None:
        super().__init__(job)
        self._kept = kept
        self.repetition = job.repetition

    def perform(self, call: Call) -> Outcome:
        """See `OutsideAction`."""
        try:
            return self._job.work(self._kept.lasting(call.seconds), call)
        except ShopctlError as error:
            return outcome_of(call, error)


def outcome_of(call: Call, error: ShopctlError) -> Outcome:
    """What an error of an outside port means for the step; see `adapters.errors` for what `sent` says.

    What was unknown stays so (see `outcomes.not_done`) until the other system itself has answered under the very key.
    """
    message = fit(str(error))
    seconds: float | None = getattr(error, "seconds", None)
    sent: bool | None = getattr(error, "sent", None)
    if call.memo and not call.undoing:
        # It had its effect long ago and is being followed. A signal's news must not be lost with an answer.
        if error.retryable and call.signal is None:
            return Waiting(call.memo.get("signal"), seconds or _AGAIN, call.memo)
        return Unknown(error.code, message, seconds)
    if sent or (sent is False and call.repeated):
        return Unknown(error.code, message, seconds)
    return Failed(error.code, message, error.retryable, seconds)
