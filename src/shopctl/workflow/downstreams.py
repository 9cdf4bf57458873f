"""Limits of what is called: calls at once, calls a second, and a circuit breaker, shared by all workers."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit, json_array

if TYPE_CHECKING:
    from shopctl.workflow.definition import Definition, Downstream
    from shopctl.workflow.moves import Moves, Permit

_SECOND = 1_000_000
_ASK_AGAIN = _SECOND // 5  # when calls at once are the limit: one of them may be back by then
_FORGOTTEN = 60 * _SECOND  # a worker that has not said anything for so long has nothing on its way
_SAID_AGAIN = 15.0  # seconds after which a worker says again what it has on its way


class _State:
    """What the database said of a downstream at the beginning of a turn, and what this turn does to it."""

    def __init__(self, limit: Downstream, failures: int, rests_until: Instant, next_call_at: Instant) -> None:
        self.limit = limit
        self.failures = failures
        self.rests_until = rests_until
        self.next_call_at = next_call_at
        self.others = 0  # calls that other workers have on their way
        self.asked = 0
        self.changed = False

    def permit(self, now: Instant, mine: int) -> Instant | None:
        """None when it may be called, else when to ask again."""
        limit = self.limit
        half_open = limit.failures is not None and self.failures >= limit.failures
        if half_open and now < self.rests_until:
            return self.rests_until
        if limit.concurrency is not None and self.others + mine + self.asked >= limit.concurrency:
            return now + _ASK_AGAIN
        if limit.per_second is not None:
            if self.next_call_at > now:
                # A moment that far ahead was written by a wrong clock.
                return min(self.next_call_at, now + round(_SECOND / limit.per_second) + _SECOND)
            self.next_call_at = max(now, self.next_call_at) + round(_SECOND / limit.per_second)
            self.changed = True
        if half_open:
            # Nygard, Release It!: one call tries, the others wait for how it fares.
            self.rests_until = now + round(limit.rest * _SECOND)
            self.changed = True
        self.asked += 1
        return None


class Downstreams:
    """The limits as one worker keeps them. A turn begins with what the others left and ends with what it leaves.

    What is on its way is counted where calls go and come back (`left`, `returned`), whatever becomes of their runs.
    """

    def __init__(self, worker: str) -> None:
        self.worker = worker
        self._limits: dict[str, Downstream] = {}
        self._states: dict[str, _State] = {}
        self._mine: Counter[str] = Counter()
        self.full_until: Instant | None = None  # when to ask again for what only a limit keeps waiting
        self._said: dict[str, tuple[int, float]] = {}  # what the others were told, and when

    def permit(self, definition: Definition) -> Permit:
        """What the progress of a run of this definition asks before a call."""
        self._limits.update(definition.downstreams)
        return self._permit

    def left(self, name: str | None) -> None:
        """A call is on its way."""
        if name is not None:
            self._mine[name] += 1

    def returned(self, name: str | None) -> None:
        """A call is not on its way any more."""
        if name is not None:
            self._mine[name] -= 1

    def begin(self, unit: Unit, touched: Iterable[Moves], now: Instant) -> None:
        """Read how the downstreams do that these runs call; nobody else changes that before the unit ends."""
        self._states = {}
        names = sorted({name for progress in touched for name in progress.definition.downstreams})
        if not names:
            return
        if len(self._read(unit, names)) < len(names):
            unit.execute(
                f"""insert into downstream (name, failures, rests_until, next_call_at)
                    select value ->> 0, 0, 0, 0 from {unit.each("names")} where true on conflict (name) do nothing""",
                names=json_array(names),
            )
            self._read(unit, names)
        self._count_others(unit, now)

    def _read(self, unit: Unit, names: Sequence[str]) -> dict[str, _State]:
        wanted = json_array(names)
        found = unit.tuples(
            f"""select name, failures, rests_until, next_call_at from downstream
                 where name in (select value ->> 0 from {unit.each("names")}) order by name {unit.for_update}""",
            names=wanted,
        )
        self._states = {
            name: _State(self._limits[name], failures, rests_until, next_call_at)
            for name, failures, rests_until, next_call_at in found
        }
        return self._states

    def _count_others(self, unit: Unit, now: Instant) -> None:
        limited = [name for name, state in self._states.items() if state.limit.concurrency is not None]
        if not limited:
            return
        for name, calls in unit.tuples(
            f"""select downstream, cast(sum(calls) as bigint) from downstream_use
                 where downstream in (select value ->> 0 from {unit.each("names")})
                   and worker <> :worker and expires_at > :now group by downstream""",
            names=json_array(limited), worker=self.worker, now=now,
        ):  # fmt: skip
            self._states[name].others = calls

    def end(self, unit: Unit, kept: Iterable[Moves], leaving: Iterable[str | None], now: Instant) -> None:
        """Write down what this turn has seen: answers, failures, and calls that are about to go on their way."""
        if not self._states:
            return
        for progress in kept:
            for name in progress.passed:
                self._answered(name, now, well=True)
            for name in progress.failed:
                self._answered(name, now, well=False)
        soon = Counter(name for name in leaving if name is not None)
        for name, state in self._states.items():
            if state.changed:
                unit.execute(
                    """update downstream set failures = :failures, rests_until = :rests, next_call_at = :next
                        where name = :name""",
                    name=name, failures=state.failures, rests=state.rests_until, next=state.next_call_at,
                )  # fmt: skip
        self._say(unit, {name: self._mine[name] + soon[name] for name in self._states}, now)

    def say_again(self, unit: Unit, now: Instant) -> None:
        """Tell the others what is still on its way, before they take it for forgotten."""
        self._say(unit, {name: self._mine[name] for name in self._limits}, now)

    def forget(self) -> None:
        """A unit was not kept: what it was to tell the others was not told."""
        self._said.clear()

    def leave(self, unit: Unit, now: Instant) -> None:
        """This worker ends; calls that have not come back keep their place until they are forgotten."""
        unit.execute(
            "delete from downstream_use where expires_at <= :now or (worker = :worker and :flying = 0)",
            now=now, worker=self.worker, flying=sum(self._mine.values()),
        )  # fmt: skip
        self._said.clear()

    @property
    def limited(self) -> bool:
        """Whether this worker has told the others anything."""
        return bool(self._said)

    def _say(self, unit: Unit, calls: dict[str, int], now: Instant) -> None:
        moment = time.monotonic()
        for name, count in calls.items():
            if self._limits[name].concurrency is None:
                continue
            said, when = self._said.get(name, (0, 0.0))
            if count == said and (not count or moment - when < _SAID_AGAIN):
                continue
            unit.execute(
                """insert into downstream_use (downstream, worker, calls, expires_at)
                   values (:name, :worker, :calls, :until)
                   on conflict (downstream, worker) do update
                      set calls = excluded.calls, expires_at = excluded.expires_at""",
                name=name, worker=self.worker, calls=count, until=now + _FORGOTTEN,
            )  # fmt: skip
            self._said[name] = (count, moment)

    def _permit(self, name: str, now: Instant) -> Instant | None:
        state = self._states.get(name)
        later = None if state is None else state.permit(now, self._mine[name])
        if state is not None and later is not None and later != state.rests_until:
            self.full_until = later
        return later

    def _answered(self, name: str, now: Instant, *, well: bool) -> None:
        state = self._states.get(name)
        if state is None or (well and not state.failures):
            return
        state.failures = 0 if well else state.failures + 1
        if state.limit.failures is not None and state.failures >= state.limit.failures:
            state.rests_until = now + round(state.limit.rest * _SECOND)
        state.changed = True
