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
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from shopctl.events import outbox
from shopctl.kernel import logging
from shopctl.kernel.clock import Clock, Instant
from shopctl.kernel.errors import ShopctlError
from shopctl.storage.database import Database
from shopctl.storage.marks import is_paused
from shopctl.storage.unit import Unit
from shopctl.workflow import queries
from shopctl.workflow.downstreams import Downstreams
from shopctl.workflow.effects import Effects, storable
from shopctl.workflow.machine import Machines
from shopctl.workflow.model import ENDED, Run
from shopctl.workflow.ports import Action, Call, Failed, InsideAction, Listener, OutsideAction
from shopctl.workflow.progress import Progress
from shopctl.workflow.starting import insert_run

if TYPE_CHECKING:
    from shopctl.workflow.definition import Definition

LEASE = 30.0  # seconds
LAST_WAIT = 8.0  # seconds that calls on their way are waited for at the end
_IDLE = 0.25


@dataclass
class Tally:
    """What a worker has done; `remaining` are the runs that are due and that it left."""

    claimed: int = 0
    succeeded: int = 0
    failed: int = 0
    rescheduled: int = 0
    remaining: int = 0

    def shown(self) -> dict[str, int]:
        """{"claimed","succeeded","failed","rescheduled","remaining"}."""
        return asdict(self)


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
        self._alone = 0  # how many runs are yet to be claimed one by one, to find the one that cannot be written
        self._lease = lease
        self._effects = Effects(threads)
        self._held: dict[str, Progress] = {}
        self._flying: dict[str, int] = {}
        self._given_up: list[Run] = []
        self._known: dict[tuple[str, int], tuple[Definition, Machines]] = {}
        self._downstreams = Downstreams(self.worker)
        self._renewed = time.monotonic()

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
        """
        more = True
        try:
            while not stop():
                if more or self._held:
                    moved = self._turn(only=only, claiming=more)
                    if once or only is not None:
                        more = False
                    elif until_idle and not moved and not self._held:
                        break
                elif until_idle or once or only is not None:
                    break
                told(self.tally, len(self._held))
                if not self._held and not until_idle and more:
                    self._rest(stop)
        finally:
            self._leave()
        with self.database.read() as unit:
            self.tally.remaining = queries.count_due(unit, self.clock.now())
        return self.tally

    def _rest(self, stop: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _IDLE
        while not stop() and time.monotonic() < deadline:
            time.sleep(0.05)

    # One turn

    def _turn(self, *, only: Sequence[str] | None, claiming: bool, ending: bool = False) -> int:
        """One turn of the loop; how many runs it has moved."""
        results = self._effects.collect(self._patience(claiming))
        now = self.clock.now()
        touched: dict[str, Progress] = {}
        for result in results:
            progress = self._held.get(result.run_id)
            if progress is None:
                continue
            self._flying[result.run_id] -= 1
            progress.outcome(result.step, result.generation, result.outcome, now)
            touched[result.run_id] = progress
        timers = {id_: p for id_, p in self._held.items() if p.next_at is not None and p.next_at <= now}
        touched.update(timers)
        room = (1 if self._alone else self._batch) - len(self._held)
        claiming = claiming and room > 0 and (only is not None or self._any_due(now))
        beating = time.monotonic() - self._renewed > self._lease / 3
        if not (touched or claiming or beating or self._given_up):
            return 0
        taken: list[Progress] = []
        try:
            with self.database.unit() as unit:
                if self._given_up:
                    queries.give_back(unit, self._given_up, worker=self.worker, now=now)
                if beating:
                    self._renew(unit, now, touched)
                if claiming:
                    taken = self._claim(unit, now, room, only)
                    touched.update((progress.run.id, progress) for progress in taken)
                kept, calls = self._advance(unit, touched, now, ending)
        except Exception as error:
            self._give_up(touched, error)
            if isinstance(error, ShopctlError) and error.retryable:
                time.sleep(0.2)
                return 0
            if not isinstance(error, ShopctlError):
                raise
            logging.error("runs could not be written", runs=len(touched), error=str(error))
            return 0
        self._given_up = []
        self._alone = max(0, self._alone - len(taken))
        self.tally.claimed += len(taken)
        for progress in kept:
            progress.written()
        self._dispatch(calls)
        return len(touched)

    def _patience(self, claiming: bool) -> float:
        """How long to wait for results: not at all while there is other work, not past the next timer or heartbeat."""
        if not self._effects.flying:
            if self._held:
                time.sleep(0.02)
            return 0.0
        if claiming and len(self._held) < self._batch and not self._alone:
            return 0.05
        return 0.5

    def _any_due(self, now: Instant) -> bool:
        with self.database.read() as unit:
            return queries.any_due(unit, now)

    def _claim(self, unit: Unit, now: Instant, room: int, only: Sequence[str] | None) -> list[Progress]:
        self.paused = is_paused(unit)
        if self.paused:
            return []
        runs = queries.claim(unit, worker=self.worker, now=now, until=now + _micro(self._lease), limit=room, only=only)
        boxes = queries.signals(unit, [run.id for run in runs if run.signals])
        taken: list[Progress] = []
        for run in runs:
            progress = self._progress(unit, run)
            progress.claimed(now)
            for signal in boxes.get(run.id, ()):
                progress.signal(signal, now)
            self._held[run.id] = progress
            self._flying[run.id] = 0
            taken.append(progress)
        return taken

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

    def _advance(
        self, unit: Unit, touched: dict[str, Progress], now: Instant, ending: bool
    ) -> tuple[list[Progress], list[tuple[Progress, list[Call]]]]:
        """Move the runs forward and write them; those kept, and the calls to make once that is durable."""
        self._downstreams.begin(unit, touched.values(), now)
        inside = [p.run for p in touched.values() if any(self._is_inside(name) for name in p.definition.actions)]
        if inside:
            mine = queries.held(unit, inside)
            for run in inside:
                if run.id not in mine:
                    self._drop(run.id)
                    touched.pop(run.id)
        outside: dict[str, list[Call]] = {}
        for id_, progress in touched.items():
            outside[id_] = [] if ending else self._forward(unit, progress, now)
        entries = [
            (progress.run, _standing(progress), self._due(progress, outside[id_], ending, now))
            for id_, progress in touched.items()
        ]
        saved = queries.save(unit, entries, now=now, until=now + _micro(self._lease))
        mine = {row.id for row in saved}
        for id_ in [id_ for id_ in touched if id_ not in mine]:
            self._drop(id_)
            del touched[id_]
        kept = list(touched.values())
        self._write_news(unit, kept, now)
        self._read_news(unit, saved, now)
        self._downstreams.end(unit, kept, [call for calls in outside.values() for call in calls], now)
        for progress, (_, _, due) in zip(kept, [entry for entry in entries if entry[0].id in mine], strict=True):
            progress.run.version += 1
            if due != queries.KEPT:
                self._release(progress, due)
        return kept, [(self._held[id_], calls) for id_, calls in outside.items() if calls and id_ in self._held]

    def _forward(self, unit: Unit, progress: Progress, now: Instant) -> list[Call]:
        """Decide what is next; changes inside of the database are made at once, and what follows from them too."""
        outside: list[Call] = []
        while True:
            progress.forward(now)
            inside = [call for call in progress.calls if self._is_inside(_action(progress, call))]
            outside += [call for call in progress.calls if call not in inside] if inside else progress.calls
            if not inside:
                return outside
            for call in inside:
                outcome = self._performed_inside(unit, self.actions[_action(progress, call)], call)
                progress.outcome(call.step, call.generation, outcome, now)

    def _performed_inside(self, unit: Unit, action: Any, call: Call) -> Any:
        performing: InsideAction = action
        unit.execute("savepoint action")
        try:
            outcome = storable(performing.perform(unit, call))
        except ShopctlError as error:
            if error.retryable and error.exit_code == 1:
                raise
            unit.execute("rollback to savepoint action")
            outcome = Failed(error.code, str(error), error.retryable)
        unit.execute("release savepoint action")
        return outcome

    def _is_inside(self, name: str) -> bool:
        return getattr(self.actions.get(name), "place", "outside") == "inside"

    def _due(self, progress: Progress, calls: list[Call], ending: bool, now: Instant) -> Instant | None:
        if calls or self._flying[progress.run.id]:
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
            listener = self.listeners.get(progress.run.system) if progress.triggers else None
            if listener is not None:
                for trigger in progress.triggers:
                    listener.run_changed(unit, progress.run, trigger)

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

    def _renew(self, unit: Unit, now: Instant, touched: dict[str, Progress]) -> None:
        mine = queries.renew(unit, [p.run for p in self._held.values()], until=now + _micro(self._lease))
        self._renewed = time.monotonic()
        for id_ in [id_ for id_ in self._held if id_ not in mine]:
            self._drop(id_)
            touched.pop(id_, None)
        self._read_news(unit, [queries.Saved(id_, count) for id_, count in mine.items()], now)

    # Calls, and runs that leave

    def _dispatch(self, calls: list[tuple[Progress, list[Call]]]) -> None:
        jobs: list[tuple[OutsideAction, Call]] = []
        for progress, wanted in calls:
            self._flying[progress.run.id] += len(wanted)
            for call in wanted:
                action: Any = self.actions.get(_action(progress, call)) or _Missing(_action(progress, call))
                jobs.append((action, call))
        if jobs:
            self._effects.begin(jobs)

    def _release(self, progress: Progress, due: Instant | None) -> None:
        self._drop(progress.run.id)
        state = progress.run.state
        if state == "completed":
            self.tally.succeeded += 1
        elif state in ("failed", "parked", "cancelled"):
            self.tally.failed += state != "cancelled"
        elif due is not None:
            self.tally.rescheduled += 1

    def _drop(self, id_: str) -> None:
        self._held.pop(id_, None)
        self._flying.pop(id_, None)

    def _give_up(self, touched: dict[str, Progress], error: Exception) -> None:
        """What was not written is not so: the runs are read again, after the calls on their way have been let go."""
        self._given_up += [progress.run for progress in touched.values()]
        for id_ in list(touched):
            self._drop(id_)
        retryable = isinstance(error, ShopctlError) and error.retryable
        if not retryable:
            if len(touched) == 1 and isinstance(error, ShopctlError):
                self._park_unwritable(next(iter(touched.values())).run, error)
            else:
                self._alone = max(self._alone, len(touched))

    def _park_unwritable(self, run: Run, error: ShopctlError) -> None:
        with self.database.unit() as unit:
            queries.park(unit, run.id, {"code": error.code, "message": str(error)}, now=self.clock.now())
            entry = {"definition": run.definition, "about": run.subject, "error": {"code": error.code}}
            outbox.add(unit, "run.parked", run.id, entry, now=self.clock.now())
        self._given_up = [given for given in self._given_up if given.id != run.id]

    def _leave(self) -> None:
        """Write down what comes back in time, and give the runs back."""
        deadline = time.monotonic() + LAST_WAIT
        while self._effects.flying and self._held and time.monotonic() < deadline:
            self._turn(only=None, claiming=False, ending=True)
        left = [progress.run for progress in self._held.values()] + self._given_up
        if left:
            with self.database.unit() as unit:
                queries.give_back(unit, left, worker=self.worker, now=self.clock.now())
        for id_ in list(self._held):
            self._drop(id_)
        self._effects.close()


class _Missing:
    """Stands in for an action that is not there (any more): a step that calls it fails."""

    place = "outside"
    repetition = "keyed"

    def __init__(self, name: str) -> None:
        self.name = name

    def perform(self, call: Call) -> Failed:
        return Failed("workflow.action_missing", f"there is no action {self.name!r}")


def _action(progress: Progress, call: Call) -> str:
    step = progress.definition.by_name[call.step]
    if call.undoing:
        assert step.compensation is not None
        return step.compensation.action
    return step.action


def _standing(progress: Progress) -> str | None:
    """The step that a list shows: what it is busy with or stuck at, else what comes next."""
    pending = None
    for step in progress.definition.steps:
        state = progress.run.steps[step.name].state
        if state in ("calling", "waiting", "retrying", "failed", "unknown", "undoing"):
            return step.name
        if pending is None and state == "pending":
            pending = step.name
    return pending


def _micro(seconds: float) -> int:
    return round(seconds * 1_000_000)
