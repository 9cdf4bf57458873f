"""Many workers on one database, stopped for longer than their leases or told to end: one owner, nothing lost."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from shopctl.kernel.clock import Clock
from shopctl.storage.database import open_database
from shopctl.workflow import queries
from shopctl.workflow.model import NewRun
from shopctl.workflow.ports import Call, Done, Outcome
from shopctl.workflow.reading import read_definition
from shopctl.workflow.runner import Runner
from shopctl.workflow.starting import insert_run, keep
from support.crashes import begun
from support.stories import step

LEASE = 1.0


class Noted:
    """An action that notes each call in a file of its worker, then takes its time."""

    place = "outside"

    def __init__(self, path: Path, seconds: float, repetition: str) -> None:
        self.name, self.repetition, self._seconds = "note", repetition, seconds
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def problems(self, values: Any) -> list[str]:
        return []

    def perform(self, call: Call) -> Outcome:
        os.write(self._file, f"{call.key} {int(call.repeated)}\n".encode())
        time.sleep(self._seconds)
        return Done({"n": call.attempt})


def begin(url: str, count: int) -> None:
    steps = [step("first", "note"), step("second", "note", **{"with": {"n": "${steps.first.n}"}})]
    now = Clock().now()
    with closing(open_database(url)) as database, database.unit() as unit:
        version = keep(unit, read_definition({"name": "jobs", "steps": steps}), now=now)
        for number in range(count):
            insert_run(unit, NewRun("jobs", "test", f"job {number}", {}), now=now, version=version)


def worker(url: str, path: Path, *, seconds: float, repetition: str = "keyed", **options: Any) -> tuple[int, int]:
    """A worker as `shopctl worker --until-idle` is one: its process, and where it tells how many runs it completed."""

    def work() -> int:
        from shopctl.cli.working import asked_to_stop

        refused = [0]
        save, renew = queries.save, queries.renew

        def saved(unit: Any, entries: Any, **more: Any) -> Any:
            found = save(unit, entries, **more)
            refused[0] += len(entries) - len(found)
            return found

        def renewed(unit: Any, runs: Any, **more: Any) -> Any:
            found = renew(unit, runs, **more)
            refused[0] += len(runs) - len(found)
            return found

        queries.save, queries.renew = saved, renewed
        with asked_to_stop() as stopped, closing(open_database(url)) as database:
            runner = Runner(database, Clock(), {"note": Noted(path, seconds, repetition)}, {}, **options)
            runner.work(stop=lambda: bool(stopped))
        path.with_suffix(".refused").write_text(str(refused[0]))
        return runner.tally.succeeded

    return begun(work)


def ended(pid: int, told: int) -> int:
    """How many runs the worker has completed."""
    _, status = os.waitpid(pid, 0)
    with os.fdopen(told) as file:
        assert os.waitstatus_to_exitcode(status) == 0
        return int(file.read())


def calls(folder: Path) -> dict[str, list[bool]]:
    """For each key whether its calls said that they were repetitions."""
    found: dict[str, list[bool]] = {}
    for path in folder.glob("*.calls"):
        for line in path.read_text().splitlines():
            key, repeated = line.split()
            found.setdefault(key, []).append(repeated == "1")
    return found


def states(url: str) -> dict[str, int]:
    with closing(open_database(url)) as database, database.read() as unit:
        return dict(unit.tuples("select state, count(*) from workflow_run group by state"))


def due(url: str) -> int:
    with closing(open_database(url)) as database, database.read() as unit:
        return queries.count_due(unit, Clock().now())


@pytest.mark.assure("R7")
def test_workers_that_are_stopped_beyond_their_leases_share_the_work_evenly(
    postgres_runs: str, tmp_path: Path, scale: Callable[[int, int], int]
) -> None:
    url, count, many = postgres_runs, scale(1000, 100_000), scale(3, 8)
    begin(url, count)
    dice = random.Random(7)
    workers = [
        worker(url, tmp_path / f"{number}.calls", seconds=0.03, lease=LEASE, batch=20, threads=4)
        for number in range(many)
    ]
    while any(not path.exists() or not path.stat().st_size for path in (tmp_path / f"{n}.calls" for n in range(many))):
        time.sleep(0.01)
    stops = 0
    for turn in range(many * scale(1, 30)):
        pid, _ = workers[turn % many]
        if not due(url):
            break
        os.kill(pid, signal.SIGSTOP)
        time.sleep(LEASE * dice.uniform(1.2, 1.6))
        os.kill(pid, signal.SIGCONT)
        stops += 1
        time.sleep(dice.uniform(0.05, 0.3))
    # At the end the others take over what a stopped one holds, and find it done when it comes back.
    while due(url) > 250 * (many - 1):  # enough for longer than the lease
        time.sleep(0.02)
    (stopped, told), *others = workers
    os.kill(stopped, signal.SIGSTOP)
    time.sleep(LEASE * 1.2)
    shares = [ended(*each) for each in others]
    os.kill(stopped, signal.SIGCONT)
    shares.append(ended(stopped, told))
    last = ended(*worker(url, tmp_path / "last.calls", seconds=0, lease=LEASE))

    made = calls(tmp_path)
    refused = sum(int(path.read_text()) for path in tmp_path.glob("*.refused"))
    twice = sum(len(each) > 1 for each in made.values())
    print(f"R7: {count} jobs, {many} workers, {stops} stops, {refused} writes or renewals refused, "
          f"{twice} keys called twice, shares {sorted(shares)}, {last} left over")  # fmt: skip
    assert states(url) == {"completed": count}
    assert len(made) == 2 * count, "one key for each step: nothing was taken for refused"
    # Of all calls under a key one at most may say that it is the first.
    assert all(sum(not repeated for repeated in each) <= 1 for each in made.values())
    assert stops >= many // 2
    assert refused
    # A second of stopping is a third of the short form's time.
    assert min(shares) > count // many * scale(1, 4) // 10


@pytest.fixture
def postgres_runs(postgres_server: str, prepared_postgres: str) -> Any:
    from support.postgres import fresh_database

    with fresh_database(postgres_server, like=prepared_postgres) as made:
        yield made


@pytest.mark.assure("R21")
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_worker_that_is_told_to_end_leaves_nothing_undone_or_in_doubt(
    kind: str, request: pytest.FixtureRequest, prepared_sqlite: Path, tmp_path: Path, scale: Callable[[int, int], int]
) -> None:
    if kind == "sqlite":
        shutil.copy(prepared_sqlite, tmp_path)
        url = f"sqlite:///{tmp_path / 'shop.db'}"
    else:
        url = request.getfixturevalue("postgres_runs")
    times, dice, longest = scale(5, 100), random.Random(21), 0.0
    begin(url, times * 40)
    for number in range(times):
        path = tmp_path / f"{number}.calls"
        pid, told = worker(url, path, seconds=0.02, repetition="never", threads=4)
        begun_by = time.monotonic() + 60
        while not (path.exists() and path.stat().st_size):
            assert time.monotonic() < begun_by, "the worker does not begin"
            time.sleep(0.005)
        time.sleep(dice.uniform(0.0, 0.3))
        asked = time.monotonic()
        os.kill(pid, signal.SIGTERM)
        ended(pid, told)
        longest = max(longest, time.monotonic() - asked)
    before = sum(len(each) for each in calls(tmp_path).values())
    ended(*worker(url, tmp_path / "last.calls", seconds=0, repetition="never"))

    made = calls(tmp_path)
    print(f"R21: {times} times on {kind}, longest {longest:.2f} s, {before} calls before the last worker, "
          f"states {json.dumps(states(url))}")  # fmt: skip
    assert states(url) == {"completed": times * 40}
    assert all(each == [False] for each in made.values()), "nothing twice, and nothing in doubt"
    assert longest < 10
    assert before > times
