"""Workers that share jobs by leases: one owner at a time, and whoever slept past his time writes nothing any more."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise

import pytest

from shopctl.kernel.clock import Clock
from shopctl.storage import lease
from shopctl.storage.database import Database, open_database
from shopctl.storage.errors import LeaseLost

WORKERS, LANES = 8, 12
SPAN = 250_000  # microseconds
TOGETHER = 25  # jobs a worker does before it gives a lane back
OWN_NUMBER = {"sqlite": "integer primary key autoincrement", "postgres": "bigint generated always as identity"}


def make_tables(database: Database, jobs: int) -> None:
    """Jobs, numbered through within each lane; a lane is worked through by whoever has its lease."""
    with database.schema_unit() as unit:
        unit.execute("create table lane (name text primary key, next bigint not null, jobs bigint not null)")
        unit.execute(
            f"""create table done (id {OWN_NUMBER[unit.dialect]}, lane text not null, job bigint not null,
                                   worker text not null, fence bigint not null)"""
        )
        unit.execute("create table late (worker text not null, lane text not null, fence bigint not null)")
        rows = [(f"lane-{number}", 0, len(range(number, jobs, LANES))) for number in range(LANES)]
        unit.insert_many("lane", ("name", "next", "jobs"), rows)
    database.close()


def work(url: str, worker: str, longest: float) -> None:
    """One worker: claims a lane, does some of its jobs, each in a unit of its own, and gives it back."""
    dice, clock = random.Random(worker), Clock()
    with closing(open_database(url)) as database:
        while True:
            with database.read() as unit:
                lanes = [name for (name,) in unit.tuples("select name from lane where next < jobs")]
            if not lanes:
                return
            lane = dice.choice(lanes)
            with database.unit() as unit:
                fence = lease.claim(unit, lane, worker, clock.now(), SPAN)
            if fence is None:
                time.sleep(0.005)
                continue
            try:
                _do_some(database, lane, worker, fence, longest, dice)
            except LeaseLost:
                with database.unit() as unit:
                    unit.execute(
                        "insert into late values (:worker, :lane, :fence)", worker=worker, lane=lane, fence=fence
                    )


def _do_some(database: Database, lane: str, worker: str, fence: int, longest: float, dice: random.Random) -> None:
    for _ in range(TOGETHER):
        with database.read() as unit:
            job, jobs = unit.tuples("select next, jobs from lane where name = :lane", lane=lane)[0]
        if job == jobs:
            break
        time.sleep(longest * dice.random())  # the work itself, during which a stop goes unnoticed
        with database.unit() as unit:
            lease.guard(unit, lane, fence)
            unit.execute(
                "insert into done (lane, job, worker, fence) values (:lane, :job, :worker, :fence)",
                lane=lane,
                job=job,
                worker=worker,
                fence=fence,
            )
            unit.execute("update lane set next = :job + 1 where name = :lane", lane=lane, job=job)
            lease.renew(unit, lane, fence, Clock().now(), SPAN)
    with database.unit() as unit:
        lease.release(unit, lane, fence)


@pytest.mark.assure("R7")
def test_of_stopped_workers_none_writes_late_and_no_job_is_done_twice(
    database: Database,
    database_url: str,
    scale: Callable[[int, int], int],
    dice: random.Random,
    capsys: pytest.CaptureFixture[str],
) -> None:
    jobs = scale(300, 100_000)
    make_tables(database, jobs)
    began = time.monotonic()
    workers = {
        name: multiprocessing.get_context("fork").Process(target=work, args=(database_url, name, scale(40, 2) / 1000))
        for name in (f"worker-{number}" for number in range(WORKERS))
    }
    for process in workers.values():
        process.start()
    stops = 0
    try:
        while any(process.is_alive() for process in workers.values()):
            with database.read() as unit:
                now = Clock().now()
                holders = [name for (name,) in unit.tuples("select holder from lease where expires_at > :now", now=now)]
            if not holders:
                time.sleep(0.01)
                continue
            chosen = [workers[name] for name in dice.sample(holders, min(len(holders), dice.randint(1, 3)))]
            chosen = [process for process in chosen if process.is_alive()]
            for process in chosen:
                os.kill(process.pid or 0, signal.SIGSTOP)
            time.sleep(SPAN / 1e6 + 0.1 + dice.random() / 10)
            for process in chosen:
                os.kill(process.pid or 0, signal.SIGCONT)
            stops += len(chosen)
            time.sleep(dice.random() / 10)
    finally:
        for process in workers.values():
            if process.is_alive():
                process.kill()
            process.join()
    took = time.monotonic() - began

    assert [process.exitcode for process in workers.values()] == [0] * WORKERS
    with database.read() as unit:
        done = unit.tuples("select lane, job, worker, fence from done order by lane, id")
        late = unit.value("select count(*) from late")
        assert unit.value("select count(*) from lane where next <> jobs") == 0
    assert len(done) == len({(lane, job) for lane, job, _, _ in done}) == jobs, "each job once"
    for (lane, job, worker, fence), (lane_after, job_after, worker_after, fence_after) in pairwise(done):
        if lane == lane_after:
            assert job_after == job + 1
            assert fence_after >= fence, "the lane went back to a former owner"
            assert fence_after > fence or worker_after == worker, "two owners under one number"
    assert late > 0, "nobody was stopped for long enough: this run shows nothing"
    with capsys.disabled():
        print(f"\n{database.dialect}: {jobs} jobs in {took:.1f} s, {stops} stops, {late} late writers refused")
