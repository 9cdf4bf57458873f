"""The runner: claims runs in batches, moves them forward, and commits intents before and results after each call.

Each turn of its loop is one unit: results that have arrived, the intents of what is next, and newly claimed runs go
into one commit (group commit), and only then are the calls made. A run whose lease was lost drops out alone.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from shopctl.events import outbox
from shopctl.kernel import logging
from shopctl.kernel.clock import Clock, Instant
from shopctl.kernel.errors import ShopctlError
from shopctl.storage.database import Database
from shopctl.storage.marks import is_paused
from shopctl.storage.unit import Unit
from shopctl.workflow import queries
from shopctl.workflow.downstreams import Downstreams
from shopctl.workflow.effects import Effects, Job, Missing, Result, performed_inside
from shopctl.workflow.machine import Machines
from shopctl.workflow.model import ENDED, Run
from shopctl.workflow.ports import Action, Call, Listener
from shopctl.workflow.progress import Progress
from shopctl.workflow.starting import insert_run
from shopctl.workflow.tally import Tally

if TYPE_CHECKING:
    from shopctl.workflow.definition import Definition

LEASE = 30.0  # seconds
LAST_WAIT = 8.0  # seconds that calls on their way are waited for at the end
PATIENCE = 60.0  # seconds that a worker which is to end by itself bears with a database that fails
_IDLE = 0.25


class _Unsure(NamedTuple):
    """A run whose last write has failed: it is read again, and what had come back is taken in once more."""

    run: Run
    results: list[Result]


@dataclass
class _Turn:
    """What one turn of the loop deals with."""

    now: Instant
    began: float  # of the monotonic clock
    touched: dict[str, Progress] = field(default_factory=dict)
    results: dict[str, list[Result]] = field(default_factory=dict)
    claimed: list[Progress] = field(default_factory=list)
    written: list[tuple[Progress, Instant | None]] = field(default_factory=list)  # with when they are due
    jobs: list[Job] = field(default_factory=list)


class Runner:
    """One worker on one database; its loop is the only one that uses the database, calls have threads of their own."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        actions: Mapping[str, Action],
        listeners: Mapping[str, Listener],
        *,
        batch: int = 200,
        threads: int = 32,
        lease: float = LEASE,
    ) -> None:
        self.database = database
        self.clock = clock
        self.actions = actions
        self.listeners = listeners
        self.worker = f"{socket.gethostname()}:{os.getpid()}:{os.urandom(3).hex()}"
        self.tally = Tally()
        self.paused = False  # since a restore: nothing is begun until `db resume`
        self._batch = batch
        self._lease = lease
        self._effects = Effects(threads)
        self._held: dict[str, Progress] = {}
        self._flying: dict[str, set[tuple[str, int]]] = {}  # steps and generations of calls on their way
        self._unsure: dict[str, _Unsure] = {}
        self._apart = 0  # how many runs are yet to be written one by one, to find the one that cannot be written
        self._known: dict[tuple[str, int], tuple[Definition, Machines]] = {}
        self._inside = frozenset(name for name, action in actions.items() if getattr(action, "place", "") == "inside")
        self._downstreams = Downstreams(self.worker)
        self._renewed = time.monotonic()
        self._failing: float | None = None  # since when the database fails

    def work(
        self,
        *,
        until_idle: bool = True,
        once: bool = False,
        only: Sequence[str] | None = None,
        stop: Callable[[], bool] = lambda: False,
        told: Callable[[Tally, int], None] = lambda tally, held: None,
    ) -> Tally:
        """Work on what is due until there is nothing (`until_idle`), on one batch (`once`), or until `stop` says so.

        `only` works on those runs alone, due or not. `told` hears after every turn what was done and how many runs are
        held. Calls on their way when it stops are waited for at most `LAST_WAIT` seconds; those that have not come back
        stay unknown and are repeated under their keys by the next worker.

        A database that fails is tried again: for ever, or for `PATIENCE` seconds where the work has an end of its own.
        """
        wanted = None if only is None else list(dict.fromkeys(only))
        ends = until_idle or once or only is not None
        claiming = True
        try:
            while not stop() and (claiming or self._held or self._unsure):
                moved = self._turn(wanted, claiming=claiming, ends=ends)
                if moved is not None:
                    if wanted is not None:
                        claiming = bool(wanted)
                    elif once:
                        claiming = False
                    elif until_idle and not moved and not self._held and not self._unsure and not self._limit_over():
                        break
                told(self.tally, len(self._held))
                if not ends and not moved and not self._held:
                    self._rest(stop)
        finally:
            self._leave()
        with self.database.read() as unit:
            self.tally.remaining = queries.count_due(unit, self.clock.now())
        return self.tally

    def _limit_over(self) -> bool:
        """Wait until a downstream may take more, which is soon; false where no limit keeps anything waiting."""
        until, self._downstreams.full_until = self._downstreams.full_until, None
        if until is None:
            return False
        time.sleep(min(1.0, max(0.0, (until - self.clock.now()) / 1_000_000)))
        return True

    def _rest(self, stop: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _IDLE
        while not stop() and time.monotonic() < deadline:
            time.sleep(0.05)

    # One turn

    def _turn(self, wanted: list[str] | None, *, claiming: bool, ends: bool, ending: bool = False) -> int | None:
        """One turn of the loop; how many runs it has moved, None when it could not write."""
        unsure, results = self._next_unsure(), list[Result]()
        if not unsure:
            results = self._effects.collect(self._patience(claiming))
        turn = _Turn(self.clock.now(), time.monotonic())
        try:
            self._take_in(turn, results)
            if not unsure:
                turn.touched.update(self._due_now(turn.now))
            room = (1 if self._apart else self._batch) - len(self._held)
            claiming = claiming and room > 0 and not unsure and not (self._apart and turn.touched)
            claiming = claiming and (wanted is not None or self._any_due(turn.now))
            beating = bool(self._held) and turn.began - self._renewed > self._lease / 3
            if not (turn.touched or claiming or beating or unsure):
                return 0
            fresh = beating or not self._held
            with self.database.unit() as unit:
                self._read_again(unit, turn, unsure)
                if beating:
                    self._renew(unit, turn)
                if claiming:
                    self._claim(unit, turn, room, None if wanted is None else wanted[:room])
                self._advance(unit, turn, ending)
        except Exception as error:
            self._not_written(turn, unsure, error, ends)
            return None
        self._failing = None
        for id_ in unsure:
            del self._unsure[id_]
        if wanted is not None and claiming:
            del wanted[:room]
        if fresh:
            self._renewed = turn.began
        self._written(turn)
        self._apart = max(0, self._apart - max(len(turn.claimed), len(unsure)))
        return len(turn.touched) + len(unsure)

    def _take_in(self, turn: _Turn, results: Sequence[Result]) -> None:
        for result in results:
            self._downstreams.returned(result.job.downstream)
            progress = self._held.get(result.job.call.run_id)
            if progress is None or progress.run.fence != result.job.fence:
                continue
            id_ = progress.run.id
            self._flying[id_].discard(_flight(result.job.call))
            turn.touched[id_] = progress
            turn.results.setdefault(id_, []).append(result)
        for id_, arrived in turn.results.items():
            _take(turn.touched[id_], arrived, turn.now)

    def _due_now(self, now: Instant) -> dict[str, Progress]:
        return {id_: p for id_, p in self._held.items() if p.next_at is not None and p.next_at <= now}

    def _patience(self, claiming: bool) -> float:
        """How long to wait for results: not at all while there is other work, not past the next timer or heartbeat."""
        if not self._effects.flying:
            if self._held:
                time.sleep(0.02)
            return 0.0
        if claiming and len(self._held) < self._batch and not self._apart:
            return 0.05
        now = self.clock.now()
        moments = [progress.next_at for progress in self._held.values() if progress.next_at is not None]
        return min(0.5, max(0.0, (min(moments) - now) / 1_000_000)) if moments else 0.5

    def _any_due(self, now: Instant) -> bool:
        with self.database.read() as unit:
            return queries.any_due(unit, now)

    def _claim(self, unit: Unit, turn: _Turn, room: int, only: Sequence[str] | None) -> None:
        self.paused = is_paused(unit)
        if self.paused:
            return
        now = turn.now
        runs = queries.claim(unit, worker=self.worker, now=now, until=now + _micro(self._lease), limit=room, only=only)
        boxes = queries.signals(unit, [run.id for run in runs if run.signals])
        for run in runs:
            try:
                progress = self._progress(unit, run)
            except ShopctlError as error:
                if error.retryable:
                    raise
                self._set_aside(unit, run, error, now)
                continue
            turn.claimed.append(progress)
            turn.touched[run.id] = self._held[run.id] = progress
            self._flying[run.id] = set()
            progress.claimed(now)
            for signal in boxes.get(run.id, ()):
                progress.signal(signal, now)

    def _progress(self, unit: Unit, run: Run) -> Progress:
        definition, machines = self._definition(unit, run.definition, run.definition_version)
        for step in definition.steps:
            if step.name not in run.steps:
                run.steps[step.name] = queries.fresh_step()
        permit = self._downstreams.permit(definition)
        return Progress(run, definition, machines, self.actions, permit)

    def _definition(self, unit: Unit, name: str, version: int) -> tuple[Definition, Machines]:
        known = self._known.get((name, version))
        if known is None:
            from shopctl.workflow.reading import read_definition

            body = queries.definition(unit, name, version)
            known = read_definition(json.loads(body or "{}"), version=version), Machines()
            self._known[(name, version)] = known
        return known

    def _advance(self, unit: Unit, turn: _Turn, ending: bool) -> None:
        """Move the runs forward and write them; leaves those written, and the calls to make once that is durable."""
        touched, now = turn.touched, turn.now
        self._downstreams.begin(unit, touched.values(), now)
        inside = [p.run for p in touched.values() if not self._inside.isdisjoint(p.definition.actions)]
        if inside:
            mine = queries.held(unit, inside)
            for run in inside:
                if run.id not in mine:
                    self._drop(run.id)
                    touched.pop(run.id)
        jobs: dict[str, list[Job]] = {}
        for id_, progress in touched.items():
            calls = [] if ending else self._forward(unit, progress, now)
            jobs[id_] = [self._job(progress, call) for call in calls]
        entries = [
            (progress.run, progress.standing(), self._due(progress, jobs[id_], ending, now))
            for id_, progress in touched.items()
        ]
        saved = queries.save(unit, entries, now=now, until=now + _micro(self._lease)) if entries else []
        mine = {row.id for row in saved}
        for id_ in [id_ for id_ in touched if id_ not in mine]:
            self._drop(id_)
            del touched[id_]
        turn.written = [(touched[run.id], due) for run, _, due in entries if run.id in mine]
        turn.jobs = [job for id_ in touched for job in jobs[id_]]
        kept = list(touched.values())
        self._write_news(unit, kept, now)
        self._downstreams.end(unit, kept, [job.downstream for job in turn.jobs], now)
        for progress in kept:
            progress.written()
        staying = {progress.run.id for progress, due in turn.written if due == queries.KEPT}
        self._read_news(unit, [row for row in saved if row.id in staying], now)

    def _forward(self, unit: Unit, progress: Progress, now: Instant) -> list[Call]:
        """Decide what is next; changes inside of the database are made at once, and what follows from them too."""
        outside: list[Call] = []
        while True:
            progress.forward(now)
            inside = [call for call in progress.calls if progress.action_of(call) in self._inside]
            outside += [call for call in progress.calls if call not in inside] if inside else progress.calls
            if not inside:
                return outside
            # What an action does may need what its run has become: a part cannot join a bundle that is still aborted.
            self._tell(unit, progress)
            for call in inside:
                outcome = performed_inside(unit, self.actions[progress.action_of(call)], call)
                progress.outcome(call.step, call.generation, outcome, now)

    def _due(self, progress: Progress, jobs: list[Job], ending: bool, now: Instant) -> Instant | None:
        if jobs or self._flying[progress.run.id]:
            return queries.KEPT
        if progress.run.state in (*ENDED, "parked"):
            return None
        return now if ending else progress.next_at

    def _write_news(self, unit: Unit, kept: list[Progress], now: Instant) -> None:
        entries = [
            (
                event.type,
                progress.run.id,
                {"definition": progress.run.definition, "about": progress.run.subject, **event.payload},
            )
            for progress in kept
            for event in progress.events
        ]
        if entries:
            outbox.add_all(unit, entries, now=now)
        consumed = [(progress.run.id, number) for progress in kept for number in progress.consumed]
        if consumed:
            queries.consume(unit, consumed)
        for progress in kept:
            for new in progress.sub_runs:
                insert_run(unit, new, now=now, parent=progress.run.id)
            for sent in progress.sent:
                queries.send(unit, sent.run_id, sent.name, sent.payload, now=now)
            self._tell(unit, progress)

    def _tell(self, unit: Unit, progress: Progress) -> None:
        listener = self.listeners.get(progress.run.system) if progress.triggers else None
        if listener is not None:
            for trigger in progress.triggers:
                listener.run_changed(unit, progress.run, trigger)
        progress.triggers.clear()

    def _read_news(self, unit: Unit, saved: Sequence[queries.Saved], now: Instant) -> None:
        """Signals that came while a run was held: those that are kept hear of them in the next turn."""
        behind = [row for row in saved if row.id in self._held and row.signals > self._held[row.id].run.signals]
        if not behind:
            return
        boxes = queries.signals(unit, [row.id for row in behind])
        for row in behind:
            progress = self._held[row.id]
            for signal in boxes.get(row.id, ()):
                if signal.number > progress.run.signals:
                    progress.signal(signal, now)
            progress.run.signals = row.signals
            progress.next_at = now

    def _renew(self, unit: Unit, turn: _Turn) -> None:
        until = turn.now + _micro(self._lease)
        mine = queries.renew(unit, [p.run for p in self._held.values()], until=until)
        for id_ in [id_ for id_ in self._held if id_ not in mine]:
            self._drop(id_)
            turn.touched.pop(id_, None)
        self._read_news(unit, [queries.Saved(id_, count) for id_, count in mine.items()], turn.now)
        self._downstreams.say_again(unit, turn.now)

    # Calls, and runs that leave

    def _written(self, turn: _Turn) -> None:
        """All of it is durable now: the calls may be made."""
        self.tally.claimed += len(turn.claimed)
        for progress, due in turn.written:
            progress.run.version += 1
            if due != queries.KEPT:
                self._release(progress, due)
        for job in turn.jobs:
            self._flying[job.call.run_id].add(_flight(job.call))
            self._downstreams.left(job.downstream)
        self._effects.until = self._renewed + self._lease
        if turn.jobs:
            self._effects.begin(turn.jobs)

    def _job(self, progress: Progress, call: Call) -> Job:
        name = progress.action_of(call)
        action: Any = self.actions.get(name) or Missing(name)
        return Job(action, call, progress.run.fence, progress.definition.by_name[call.step].downstream)

    def _release(self, progress: Progress, due: Instant | None) -> None:
        self._drop(progress.run.id)
        state = progress.run.state
        if state in (*ENDED, "parked"):
            if progress.moved:
                self.tally.succeeded += state == "completed"
                self.tally.failed += state in ("failed", "parked")
        elif due is not None:
            self.tally.rescheduled += 1

    def _drop(self, id_: str) -> None:
        self._held.pop(id_, None)
        self._flying.pop(id_, None)

    # What could not be written

    def _next_unsure(self) -> dict[str, _Unsure]:
        most = 1 if self._apart else len(self._unsure)
        return dict(list(self._unsure.items())[:most])

    def _read_again(self, unit: Unit, turn: _Turn, unsure: Mapping[str, _Unsure]) -> None:
        """Take up runs as they are stored, and what had come back for them; those that are not ours any more go."""
        if not unsure:
            return
        mine = {run.id: run for run in queries.still_mine(unit, [u.run for u in unsure.values()], worker=self.worker)}
        boxes = queries.signals(unit, [run.id for run in mine.values() if run.signals])
        for id_, (_, results) in unsure.items():
            if id_ not in mine:
                self._drop(id_)
                continue
            turn.touched[id_] = self._held[id_] = progress = self._progress(unit, mine[id_])
            turn.results[id_] = results
            flying = self._flying.setdefault(id_, set())
            progress.claimed(turn.now, flying | {_flight(result.job.call) for result in results})
            for signal in boxes.get(id_, ()):
                progress.signal(signal, turn.now)
            _take(progress, results, turn.now)

    def _not_written(self, turn: _Turn, unsure: Mapping[str, _Unsure], error: Exception, ends: bool) -> None:
        """What was not written is not so. One run alone that fails for a reason of its own is set aside."""
        self._downstreams.forget()
        retryable = isinstance(error, ShopctlError) and error.retryable
        for id_, progress in turn.touched.items():
            self._held.pop(id_, None)
            if retryable or progress not in turn.claimed:
                self._unsure.setdefault(id_, _Unsure(progress.run, turn.results.get(id_, [])))
        if retryable:
            self._failing = self._failing or turn.began
            if ends and turn.began - self._failing > PATIENCE:
                raise error
            logging.warning("the database did not take what was done", runs=len(turn.touched), error=str(error))
            time.sleep(0.2)
        elif len(turn.touched) == 1:
            [(id_, progress)] = turn.touched.items()
            with self.database.unit() as unit:
                self._set_aside(unit, progress.run, error, turn.now)
            self._unsure.pop(id_, None)
            self._flying.pop(id_, None)
        elif turn.touched:
            self._apart = len(turn.touched)
        else:
            raise error

    def _set_aside(self, unit: Unit, run: Run, error: Exception, now: Instant) -> None:
        code = error.code if isinstance(error, ShopctlError) else "workflow.run_broken"
        told = {"code": code, "message": str(error) if isinstance(error, ShopctlError) else repr(error)[:300]}
        logging.error("a run cannot be written", run=run.id, problem=told)
        if queries.park(unit, run, told, worker=self.worker, now=now):
            entry = {"definition": run.definition, "about": run.subject, "error": told}
            outbox.add(unit, "run.parked", run.id, entry, now=now)

    def _leave(self) -> None:
        """Write down what comes back in time, and give the runs back; calls that no thread has begun are not made."""
        deadline = time.monotonic() + LAST_WAIT
        self._effects.withdraw()
        try:
            while (self._unsure or (self._effects.flying and self._held)) and time.monotonic() < deadline:
                self._turn(None, claiming=False, ends=False, ending=True)
            left = [progress.run for progress in self._held.values()] + [u.run for u in self._unsure.values()]
            if left or self._downstreams.limited:
                with self.database.unit() as unit:
                    queries.give_back(unit, left, worker=self.worker, now=self.clock.now())
                    self._downstreams.leave(unit, self.clock.now())
        except ShopctlError as error:
            if not error.retryable:
                raise
            logging.warning("runs could not be given back; their leases end by themselves", error=str(error))
        finally:
            self._held.clear()
            self._flying.clear()
            self._unsure.clear()
            self._effects.close()


def _take(progress: Progress, results: Sequence[Result], now: Instant) -> None:
    for job, outcome in results:
        if outcome is None:
            progress.withdrawn(job.call, now)
        else:
            progress.outcome(job.call.step, job.call.generation, outcome, now)


def _flight(call: Call) -> tuple[str, int]:
    return call.step, call.generation


def _micro(seconds: float) -> int:
    return round(seconds * 1_000_000)
