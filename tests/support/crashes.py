"""A story with all that a run can do, and workers in processes of their own that are killed at points of it.

Points are counted where a unit begins, before and after it commits, and before a call, between its effect and its
answer, and after it. What the downstream does with a call follows from its key and a seed, so a seed replays exactly.
"""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from shopctl.events import outbox
from shopctl.kernel.clock import Clock
from shopctl.storage.database import open_database
from shopctl.workflow import queries
from shopctl.workflow.model import NewRun, Run
from shopctl.workflow.ports import Call, Done, Failed, Outcome, SubRuns, Unknown, Waiting
from shopctl.workflow.reading import read_definition
from shopctl.workflow.runner import Runner
from shopctl.workflow.starting import insert_run, keep
from support.ledger import Ledger
from support.stories import step

LEASE = 30.0
_RETRY = {"attempts": 50, "wait": "fixed", "initial": 0, "jitter": 0}


def _undone(name: str) -> dict[str, Any]:
    return {"action": "undo", "with": {"name": "${steps." + name + ".name}"}, "retry": _RETRY}


PART = {"name": "part", "steps": [step("make", "do", retry=_RETRY, compensate=_undone("make"))]}
STORY = {
    "name": "story",
    "steps": [
        step("reserve", "do", retry=_RETRY, compensate=_undone("reserve")),
        step("charge", "do", needs=["reserve"], retry=_RETRY, compensate=_undone("charge")),
        step("pack", "do", needs=["reserve"], retry=_RETRY, compensate=_undone("pack")),
        step("gift", "do", needs=["reserve"], when="input.gift", retry=_RETRY),
        step("parts", needs=["charge", "pack", "gift"], **{"with": {"run": "${run.id}"}}),
        step("approve", needs=["parts"], retry=_RETRY, compensate=False),
        step("ship", "last", needs=["approve"], retry=_RETRY, **{"with": {"fails": "${input.fails}"}}),
    ],
}
UNDOABLE = ("reserve", "charge", "pack")


class Points:
    """Counts, and ends the process at the chosen one."""

    def __init__(self, last: int) -> None:
        self.count, self._last, self._lock = 0, last, threading.Lock()

    def passed(self) -> None:
        with self._lock:
            self.count += 1
            if self.count == self._last:
                os.kill(os.getpid(), signal.SIGKILL)
                time.sleep(60)

    def around(self, unit: Any) -> Any:
        @contextmanager
        def method(database: Any, **options: Any) -> Iterator[Any]:
            self.passed()
            with unit(database, **options) as opened:
                yield opened
                self.passed()
            self.passed()

        return method


class Later(Clock):
    """The time it is for a worker that comes when the leases of those before it are over."""

    def __init__(self, seconds: float) -> None:
        self._ahead = round(seconds * 1_000_000)

    def now(self) -> int:
        return super().now() + self._ahead


class Downstream:
    """What the steps call. `broken` compensations say that they are done and do nothing."""

    place, repetition = "outside", "keyed"

    def __init__(self, name: str, ledger: Ledger, points: Points, seed: int, url: str, *, broken: bool = False) -> None:
        self.name, self._ledger, self._points, self._seed = name, ledger, points, seed
        self._url, self._broken = url, broken

    def problems(self, values: Any) -> list[str]:
        return []

    def perform(self, call: Call) -> Outcome:
        self._points.passed()
        nth = self._ledger.call(call.key)
        fate = hashlib.sha256(f"{self._seed} {call.step} {call.generation} {call.undoing}".encode()).digest()[0] % 8
        if self.name == "last" and call.values["fails"]:
            return Failed("refused", "no")
        if self.name == "approve":
            return self._approved(call)
        if nth == 1 and fate == 0:
            return Unknown("lost", "the request was lost")
        if fate == 1 and call.generation < 3:
            return Failed("busy", "later", retryable=True)
        if not (self._broken and call.undoing):
            self._ledger.effect(call.key)
        self._points.passed()
        if nth == 1 and fate == 2:
            return Unknown("lost", "the answer was lost")
        try:
            return Done({"name": call.step})
        finally:
            self._points.passed()

    def _approved(self, call: Call) -> Outcome:
        self._ledger.effect(call.key)
        if call.signal is not None:
            return Done({"by": call.signal["by"]})
        if self._seed % 3 == 1:
            # Whoever is asked answers before the question is written down.
            send(self._url, call.run_id, self._seed)
        self._points.passed()
        return Waiting(signal="approve")


class Parts:
    """Begins the part, inside of the unit."""

    name, place = "parts", "inside"

    def problems(self, values: Any) -> list[str]:
        return []

    def perform(self, unit: Any, call: Call) -> Outcome:
        return SubRuns([NewRun("part", "test", "part", {}, id=f"{call.run_id}p{call.generation}")])


def actions(ledger: Ledger, points: Points, seed: int, url: str, *, broken: bool = False) -> dict[str, Any]:
    made: dict[str, Any] = {
        name: Downstream(name, ledger, points, seed, url, broken=broken) for name in ("do", "undo", "last", "approve")
    }
    return made | {"parts": Parts()}


def start(url: str, seed: int) -> str:
    """Begin a run; its seed says whether its last step fails, and when the approval comes."""
    with closing(open_database(url)) as database, database.unit() as unit:
        now = Clock().now()
        keep(unit, read_definition(PART), now=now)
        version = keep(unit, read_definition(STORY), now=now)
        new = NewRun("story", "test", f"thing {seed}", {"fails": seed % 4 != 3, "gift": seed % 2 == 0})
        run_id, _ = insert_run(unit, new, now=now, version=version)
    if seed % 3 == 0:
        send(url, run_id, seed)
    return run_id


def send(url: str, run_id: str, seed: int) -> None:
    """The approval, once however often this is called."""
    with closing(open_database(url)) as database, database.unit() as unit:
        if unit.value("select 1 from event where subject = :id", id=f"sent {run_id}") is None:
            outbox.add(unit, "test.sent", f"sent {run_id}", {}, now=Clock().now())
            queries.send(unit, run_id, "approve", {"by": f"ada {seed}"}, now=Clock().now())


def worker(url: str, ledger: Ledger, seed: int, *, turn: int, point: int = 0, broken: bool = False) -> tuple[int, int]:
    """Work until nothing is due, in a process of its own: how it ended (-9: killed), and how many points it passed."""

    def work() -> int:
        points = Points(point)
        instrument(points)
        with closing(open_database(url)) as database:
            Runner(database, Later(turn * (LEASE + 1)), actions(ledger, points, seed, url, broken=broken), {}).work()
        return points.count

    return forked(work)


def instrument(points: Points) -> None:
    from shopctl.storage.postgres import PostgresDatabase
    from shopctl.storage.sqlite import SqliteDatabase

    for database in (SqliteDatabase, PostgresDatabase):
        database.unit = points.around(database.unit)  # type: ignore[method-assign, assignment]


def forked(work: Callable[[], int]) -> tuple[int, int]:
    """How a child process ended, and the number that it told."""
    pid, told = begun(work)
    _, status = os.waitpid(pid, 0)
    with os.fdopen(told) as file:
        return os.waitstatus_to_exitcode(status), int(file.read() or 0)


def begun(work: Callable[[], int]) -> tuple[int, int]:
    """A child process: its id, and where it tells a number at its end."""
    told, telling = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(told)
            number = work()
            os.write(telling, str(number).encode())
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        os._exit(99)
    os.close(telling)
    return child, told


def run_of(url: str, run_id: str) -> Run:
    with closing(open_database(url)) as database, database.read() as unit:
        found = queries.get(unit, run_id)
    assert found is not None
    return found
