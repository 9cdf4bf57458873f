"""The action `period`: when a period of a subscription begins and ends."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from shopctl.kernel import clock
from shopctl.kernel.clock import Clock, Instant, NotATime
from shopctl.workflow.ports import Call, Done, Failed, Outcome
from shopctl.workflow.step_values import StepValues

if TYPE_CHECKING:
    from shopctl.storage.unit import Unit

LENGTHS = {"day": (1, 0), "week": (7, 0), "month": (0, 1), "quarter": (0, 3), "year": (0, 12)}  # days and months


class PeriodAction:
    """`with = { length = "month", after = TIME }`. Output: {"begins_at", "ends_at"}.

    Without `after`, or when that has passed, the period begins now; a month ends at the same day of the next one, or at
    its last.
    """

    name = "period"
    place: Literal["inside"] = "inside"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def problems(self, values: Mapping[str, Any]) -> list[str]:
        """See `Action`."""
        return _read(values, written=True)[2]

    def perform(self, unit: Unit, call: Call) -> Outcome:
        """See `InsideAction`."""
        length, after, problems = _read(call.values)
        now = self._clock.now()
        begins = now
        if after:
            try:
                begins = max(now, clock.parse(after))
            except NotATime as error:
                problems.append(str(error))
        if problems:
            return Failed("period.with", "; ".join(problems))
        return Done({"begins_at": clock.show(begins), "ends_at": clock.show(end_of(length, begins))})


def end_of(length: str, begins: Instant) -> Instant:
    """The end of a period (`LENGTHS`) that begins then."""
    days, months = LENGTHS[length]
    seconds, micros = divmod(begins, 1_000_000)
    moment = datetime.fromtimestamp(seconds, UTC) + timedelta(days=days)
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    ends = moment.replace(year=year, month=month + 1, day=day)
    return int(ends.timestamp()) * 1_000_000 + micros


def _read(values: Mapping[str, Any], *, written: bool = False) -> tuple[str, str, list[str]]:
    read = StepValues(values, written=written)
    length = read.text("length", "month", choices=tuple(LENGTHS))
    after = read.text("after")
    read.end()
    return length, after, read.problems
