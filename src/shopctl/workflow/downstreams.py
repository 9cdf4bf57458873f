"""Limits of what is called: calls at once, calls a second, and a circuit breaker, shared by all workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit, json_array

if TYPE_CHECKING:
    from shopctl.workflow.definition import Definition, Downstream
    from shopctl.workflow.ports import Call
    from shopctl.workflow.progress import Permit, Progress

_SECOND = 1_000_000
_ASK_AGAIN = _SECOND // 5  # when calls at once are the limit: one of them may be back by then
_FORGOTTEN = 60 * _SECOND  # a worker that has not said anything for so long has nothing on its way


class _State:
    """What the database said of a downstream at the beginning of a turn, and what this turn does to it."""

    def __init__(
        self, limit: Downstream, failures: int, rests_until: Instant, next_call_at: Instant, others: int
    ) -> None:
        self.limit = limit
        self.failures = failures
        self.rests_until = rests_until
        self.next_call_at = next_call_at
        self.others = others
        self.asked = 0
        self.changed = False

    def permit(self, now: Instant, mine: int) -> Instant | None:
        """None when it may be called, else when to ask again."""
        limit = self.limit
        if limit.failures is not None and self.failures >= limit.failures:
            if now < self.rests_until:
                return self.rests_until
            # Half open (Nygard, Release It!): one call tries, the others wait for how it fares.
            self.rests_until = now + round(limit.rest * _SECOND)
            self.changed = True
        if limit.concurrency is not None and self.others + mine + self.asked >= limit.concurrency:
            return now + _ASK_AGAIN
        if limit.per_second is not None:
            if self.next_call_at > now:
                return self.next_call_at
            self.next_call_at = max(now, self.next_call_at) + round(_SECOND / limit.per_second)
            self.changed = True
        self.asked += 1
        return None


class Downstreams:
    """The limits as one worker keeps them. A turn begins with what the others left and ends with what it leaves."""

    def __init__(self, worker: str) -> None:
        self.worker = worker
        self._limits: dict[str, Downstream] = {}
        self._states: dict[str, _State] = {}
        self._mine: Counter[str] = Counter()

    def permit(self, definition: Definition) -> Permit:
        """What the progress of a run of this definition asks before a call."""
        self._limits.update(definition.downstreams)
        return self._permit

    def begin(self, unit: Unit, touched: Iterable[Progress], now: Instant) -> None:
        """Read how the downstreams do that these runs call; nobody else changes that before the unit ends."""
        self._states = {}
        names = sorted({name for progress in touched for name in progress.definition.downstreams})
        if not names:
            return
        wanted = json_array(names)
        unit.execute(
            f"""insert into downstream (name, failures, rests_until, next_call_at)
                select value ->> 0, 0, 0, 0 from {unit.each("names")} where true on conflict (name) do nothing""",
            names=wanted,
        )
        uses = dict(
            unit.tuples(
                f"""select downstream, cast(sum(calls) as bigint) from downstream_use
                     where downstream in (select value ->> 0 from {unit.each("names")})
                       and worker <> :worker and expires_at > :now group by downstream""",
                names=wanted, worker=self.worker, now=now,
            )
        )  # fmt: skip
        for name, failures, rests_until, next_call_at in unit.tuples(
            f"""select name, failures, rests_until, next_call_at from downstream
                 where name in (select value ->> 0 from {unit.each("names")}) order by name {unit.for_update}""",
            names=wanted,
        ):
            limit = self._limits[name]
            self._states[name] = _State(limit, failures, rests_until, next_call_at, uses.get(name, 0))

    def end(self, unit: Unit, kept: Sequence[Progress], calls: Sequence[Call], now: Instant) -> None:
        """Write down what this turn has seen: answers, failures, and calls that go on their way."""
        if not self._states:
            return
        for progress in kept:
            for name in progress.passed:
                self._mine[name] -= 1
                self._answered(name, now, well=True)
            for name in progress.failed:
                self._mine[name] -= 1
                self._answered(name, now, well=False)
            wanted = {call.step for call in calls if call.run_id == progress.run.id}
            for step in progress.definition.steps:
                if step.downstream is not None and step.name in wanted:
                    self._mine[step.downstream] += 1
        for name, state in self._states.items():
            if state.changed:
                unit.execute(
                    """update downstream set failures = :failures, rests_until = :rests, next_call_at = :next
                        where name = :name""",
                    name=name, failures=state.failures, rests=state.rests_until, next=state.next_call_at,
                )  # fmt: skip
            if state.limit.concurrency is not None:
                unit.execute(
                    """insert into downstream_use (downstream, worker, calls, expires_at)
                       values (:name, :worker, :calls, :until)
                       on conflict (downstream, worker) do update
                          set calls = excluded.calls, expires_at = excluded.expires_at""",
                    name=name, worker=self.worker, calls=max(0, self._mine[name]), until=now + _FORGOTTEN,
                )  # fmt: skip

    def _permit(self, name: str, now: Instant) -> Instant | None:
        state = self._states.get(name)
        return None if state is None else state.permit(now, max(0, self._mine[name]))

    def _answered(self, name: str, now: Instant, *, well: bool) -> None:
        state = self._states.get(name)
        if state is None or (well and not state.failures):
            return
        state.failures = 0 if well else state.failures + 1
        if state.limit.failures is not None and state.failures >= state.limit.failures:
            state.rests_until = now + round(state.limit.rest * _SECOND)
        state.changed = True
