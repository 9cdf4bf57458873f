"""What goes wrong around runs: databases that fail, runs that cannot be written, workers that end, limits."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from shopctl.storage.database import Database
from shopctl.storage.errors import DatabaseLocked
from shopctl.storage.unit import Unit
from shopctl.workflow import queries, runner
from shopctl.workflow.ports import Call, Done, Failed, Outcome, Unknown, Waiting
from shopctl.workflow.runner import Runner
from support.stories import step
from support.workbench import Bench


class Failing:
    """A database whose write units fail as they are told: before their commit, or after it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.plan: dict[int, str] = {}
        self.units = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    @contextmanager
    def unit(self, **options: Any) -> Iterator[Unit]:
        self.units += 1
        when = self.plan.get(self.units)
        with self._database.unit(**options) as unit:
            yield unit
            if when == "before":
                raise DatabaseLocked(place="here", seconds=1, holder="")
        if when == "after":
            raise DatabaseLocked(place="here", seconds=1, holder="")


def ended(work: Any, seconds: float = 20) -> None:
    """Whatever it does, it ends; in this thread, since a database belongs to one."""
    stop_at = time.monotonic() + seconds
    work(stop=lambda: time.monotonic() > stop_at)
    assert time.monotonic() < stop_at, "it did not end"


def test_a_worker_works_again(bench: Bench) -> None:
    bench.action("call")
    worker = Runner(bench.database, bench.clock, bench.actions, {})
    for _ in range(2):
        run = bench.start(step("call"))
        ended(worker.work)
        assert bench.run(run).state == "completed"


def test_work_on_given_runs_takes_them_all_however_many_they_are(bench: Bench) -> None:
    bench.action("call")
    runs = [bench.start(step("call")) for _ in range(7)]
    other = bench.start(step("call"))

    Runner(bench.database, bench.clock, bench.actions, {}, batch=3).work(only=runs)

    assert {bench.run(run).state for run in runs} == {"completed"}
    assert bench.run(other).state == "pending"


def test_news_for_a_run_that_is_held_are_told_once_and_kept(bench: Bench) -> None:
    from shopctl.storage.database import open_database

    def slow(call: Call) -> Outcome:
        other = open_database(url)
        with other.unit() as unit:
            queries.send(unit, call.run_id, "@cancel", {"by": "ada"}, now=bench.clock.now())
        other.close()
        return Done()

    url = bench.url
    bench.action("slow", slow)
    bench.action("next", lambda call: time.sleep(0.1) or Done())
    run = bench.start(step("slow"), step("next"), step("last", "next"))
    bench.work()

    assert bench.run(run).state == "cancelled"
    assert bench.events(run).count("run.cancel_asked") == 1
    with bench.database.read() as unit:
        assert unit.value("select count(*) from workflow_signal") == 0


def test_a_signal_that_comes_too_late_does_not_end_its_run_once_more(bench: Bench) -> None:
    bench.action("call")
    run = bench.start(step("call"))
    assert bench.work().tally.succeeded == 1
    bench.send(run, "approve")
    tally = bench.work().tally
    assert (tally.claimed, tally.succeeded) == (1, 0)


class Refusing:
    """A listener that cannot bear some subjects."""

    def run_changed(self, unit: Unit, run: Any, trigger: str) -> None:
        if run.input.get("bad") and trigger == "complete":
            raise KeyError("a fault of ours")


def test_a_run_that_cannot_be_written_is_set_aside_alone(bench: Bench) -> None:
    call = bench.action("call")
    good = [bench.start(step("call"), input={"n": n}) for n in range(5)]
    bad = bench.start(step("call"), input={"bad": True})
    good += [bench.start(step("call"), input={"n": n}) for n in range(5, 10)]

    worker = Runner(bench.database, bench.clock, bench.actions, {"test": Refusing()})
    ended(worker.work)

    assert {bench.run(run).state for run in good} == {"completed"}
    assert bench.run(bad).state == "parked"
    assert (bench.run(bad).error or {})["code"] == "workflow.run_broken"
    assert len(call.calls) == 11
    assert bench.events(bad)[-1] == "run.parked"


def test_a_run_whose_definition_is_gone_is_set_aside_and_the_others_go_on(bench: Bench) -> None:
    bench.action("call", repetition="never")
    good = bench.start(step("call"))
    bad = bench.start(step("call"))
    with bench.database.unit() as unit:
        unit.execute("update workflow_run set definition = 'gone' where id = :id", id=bad)

    ended(bench.work)

    assert (bench.run(good).state, bench.run(bad).state) == ("completed", "parked")


def test_an_action_of_ours_that_breaks_inside_of_a_unit_fails_its_step_alone(bench: Bench) -> None:
    class Broken:
        name, place = "broken", "inside"

        def problems(self, values: Any) -> list[str]:
            return []

        def perform(self, unit: Unit, call: Call) -> Outcome:
            unit.execute("delete from workflow_run where id <> :id", id=call.run_id)
            raise KeyError("a fault of ours")

    bench.action("call")
    bench.actions["broken"] = Broken()
    run, other = bench.start(step("broken")), bench.start(step("call"))

    bench.work()

    assert (bench.run(run).state, bench.run(run).error["code"]) == ("failed", "workflow.action_error")
    assert bench.run(other).state == "completed"


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_what_came_back_is_not_forgotten_when_the_database_fails(bench: Bench, nth: int, when: str) -> None:
    slow = threading.Event()
    a = bench.action("a", lambda call: slow.wait(0.5) and Done() or Done(), repetition="never")
    b = bench.action("b", repetition="never")
    c = bench.action("c")
    run = bench.start(step("a", needs=[]), step("b", needs=[]), step("c", needs=["b"]), step("d", "c", needs=["a"]))
    bench.database = failing = Failing(bench.database)  # type: ignore[assignment]
    failing.plan = {failing.units + nth: when}

    ended(bench.work)

    assert failing.units > nth
    # Where the intents were written and nobody knew of it, what must not be repeated is left to an operator.
    assert bench.run(run).state == ("parked" if (nth, when) == (1, "after") else "completed")
    assert (len(a.calls), len(b.calls)) == ((0, 0) if (nth, when) == (1, "after") else (1, 1))
    assert all(not call.repeated for call in c.calls) or when == "after"


def test_calls_that_no_thread_has_begun_are_not_made_when_a_worker_ends(bench: Bench) -> None:
    call = bench.action("call", lambda call: time.sleep(0.3) or Done(), repetition="never")
    runs = [bench.start(step("call")) for _ in range(8)]
    worker = Runner(bench.database, bench.clock, bench.actions, {}, threads=2)
    turns: list[int] = []

    began = time.monotonic()
    worker.work(stop=lambda: len(turns) >= 1, told=lambda tally, held: turns.append(held))
    took = time.monotonic() - began

    assert len(call.calls) == 2
    assert took < 2
    bench.work()
    assert {bench.run(run).state for run in runs} == {"completed"}
    assert len(call.calls) == 8, "none twice, and none left to an operator"
    assert {call.attempt for call in call.calls} == {1}


def test_no_call_begins_after_the_lease(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    call = bench.action("call")
    run = bench.start(step("call"))
    worker = Runner(bench.database, bench.clock, bench.actions, {}, lease=5)
    begin = worker._effects.begin
    monkeypatch.setattr(worker._effects, "begin", lambda jobs: (setattr(worker._effects, "until", 0.0), begin(jobs)))
    stop_at = time.monotonic() + 0.5

    worker.work(stop=lambda: time.monotonic() > stop_at)

    assert not call.calls
    bench.work()
    assert bench.run(run).state == "completed"
    assert [(made.attempt, made.repeated) for made in call.calls] == [(1, False)]


# Limits of what is called


def uses(bench: Bench) -> int:
    with bench.database.read() as unit:
        return int(unit.value("select coalesce(sum(calls), 0) from downstream_use") or 0)


def limited(bench: Bench, count: int, **limits: Any) -> list[str]:
    return [bench.start(step("call", downstream="bank"), downstreams={"bank": limits}) for _ in range(count)]


def test_no_more_calls_at_once_than_a_downstream_bears(bench: Bench) -> None:
    now, most = [0], [0]
    lock = threading.Lock()

    def counted(call: Call) -> Outcome:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.01)
        with lock:
            now[0] -= 1
        return Done()

    bench.action("call", counted)
    runs = limited(bench, 7, concurrency=2)
    for _ in range(10):
        bench.work()
        bench.later(1)

    assert {bench.run(run).state for run in runs} == {"completed"}
    assert most == [2]
    assert uses(bench) == 0


def test_a_run_that_drops_out_leaves_no_call_counted(bench: Bench) -> None:
    def robbed(call: Call) -> Outcome:
        from shopctl.storage.database import open_database

        other = open_database(bench.url)
        with other.unit() as unit:
            unit.execute("update workflow_run set fence = fence + 1, worker = 'thief', next_at = :n where id = :id",
                         id=call.run_id, n=bench.clock.now() + 1_000_000)  # fmt: skip
        other.close()
        return Done()

    bench.action("call", robbed, Done())
    limited(bench, 1, concurrency=1)
    worker = Runner(bench.database, bench.clock, bench.actions, {})
    ended(worker.work)
    [after] = limited(bench, 1, concurrency=1)
    ended(worker.work)

    assert bench.run(after).state == "completed"
    assert uses(bench) == 0


def test_calls_of_a_dead_worker_are_forgotten_after_a_minute(bench: Bench) -> None:
    bench.action("call")
    [run] = limited(bench, 1, concurrency=1)
    with bench.database.unit() as unit:
        unit.execute(
            "insert into downstream_use (downstream, worker, calls, expires_at) values ('bank', 'dead', 1, :at)",
            at=bench.clock.now() + 60_000_000,
        )
    bench.work()
    assert bench.run(run).state == "waiting"
    bench.later(61)
    bench.work()
    assert bench.run(run).state == "completed"
    with bench.database.read() as unit:
        assert unit.value("select count(*) from downstream_use") == 0, "nor is anything kept of it"


def test_a_breaker_lets_one_call_try_and_the_rest_follow_when_it_fares_well(bench: Bench) -> None:
    call = bench.action("call", *[Unknown("lost", "no answer")] * 3, Done())
    runs = [
        bench.start(
            step("call", downstream="bank", retry={"initial": 1, "wait": "fixed", "jitter": 0}),
            downstreams={"bank": {"failures": 2, "rest": 60, "concurrency": 2}},
        )
        for _ in range(5)
    ]  # fmt: skip
    bench.work()
    assert len(call.calls) == 2, "then it is let be"
    bench.later(61)
    bench.work()
    assert len(call.calls) == 3, "one tries"
    bench.later(30)
    bench.work()
    assert len(call.calls) == 3
    for _ in range(6):
        bench.later(31)
        bench.work()
    assert {bench.run(run).state for run in runs} == {"completed"}


def test_a_breaker_is_tried_though_there_is_no_room_at_first(bench: Bench) -> None:
    bench.action("call")
    [run] = limited(bench, 1, concurrency=1, failures=1, rest=3600)
    with bench.database.unit() as unit:
        unit.execute("insert into downstream (name, failures, rests_until, next_call_at) values ('bank', 1, 0, 0)")
        unit.execute(
            "insert into downstream_use (downstream, worker, calls, expires_at) values ('bank', 'other', 1, :at)",
            at=bench.clock.now() + 5_000_000,
        )
    bench.work()
    bench.later(6)
    bench.work()
    assert bench.run(run).state == "completed"


def test_a_wait_inside_of_a_unit_ends_its_turn(bench: Bench) -> None:
    class Impatient:
        name, place = "impatient", "inside"

        def problems(self, values: Any) -> list[str]:
            return []

        def perform(self, unit: Unit, call: Call) -> Outcome:
            return Waiting(seconds=0, memo={"n": call.memo.get("n", 0) + 1})

    bench.actions["impatient"] = Impatient()
    run = bench.start(step("impatient"))
    ended(bench.work)
    assert bench.run(run).steps["impatient"].memo == {"n": 1}


def test_a_worker_that_works_by_itself_gives_up_on_a_database_that_fails_for_long(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "PATIENCE", 0.3)
    monkeypatch.setattr(runner, "LAST_WAIT", 0.2)
    bench.action("call", Failed("no", "no"))
    bench.start(step("call"))
    failing = Failing(bench.database)
    failing.plan = dict.fromkeys(range(1, 100), "before")
    bench.database = failing  # type: ignore[assignment]
    with pytest.raises(DatabaseLocked):
        bench.work()
