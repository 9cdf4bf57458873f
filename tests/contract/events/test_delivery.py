"""Delivery on both databases: nothing lost, nothing skipped, effects once, and one who fails stops nobody else."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

import pytest

from contract.conftest import Turned
from contract.events.conftest import Taker, happen, taken
from shopctl.events import outbox, positions, queries
from shopctl.events.delivery import deliver
from shopctl.events.model import TRIES, Event, wait_after
from shopctl.storage.copying import copy
from shopctl.storage.database import Database, open_database
from shopctl.storage.unit import Unit
from support.products import NOW


def test_events_come_in_their_order_and_once(database: Database, turned: Turned) -> None:
    happen(database, "a", "b", "c")
    taker = Taker()

    first = deliver(database, [taker], turned)
    happen(database, "d")
    second = deliver(database, [taker], turned)
    third = deliver(database, [taker], turned)

    assert taker.seen == ["a", "b", "c", "d"]
    assert [done[0].received for done in (first, second, third)] == [3, 1, 0]
    assert set(taken(database).values()) == {1}


def test_a_subscriber_hears_of_its_types_alone(database: Database, turned: Turned) -> None:
    happen(database, "a", type="run.completed")
    happen(database, "b", type="step.failed")
    happen(database, "c", type="runner.started")
    exact, alike = Taker("exact", "step.failed"), Taker("alike", "run.*")

    deliver(database, [exact, alike], turned)

    assert exact.seen == ["b"]
    assert alike.seen == ["a"]


def test_a_new_subscriber_begins_where_it_says(database: Database, turned: Turned) -> None:
    happen(database, "old")
    early, late = Taker("early"), Taker("late", start="end")
    deliver(database, [early, late], turned)

    happen(database, "new")
    deliver(database, [early, late], turned)

    assert early.seen == ["old", "new"]
    assert late.seen == ["new"]


def test_one_who_fails_waits_and_the_others_go_on(database: Database, turned: Turned) -> None:
    broken = True
    happen(database, "a", "b", "c")
    good, bad = Taker("good"), Taker("bad", failing=lambda event: broken and event.subject == "b")

    done = deliver(database, [bad, good], turned)

    assert good.seen == ["a", "b", "c"]
    assert bad.seen == ["a", "b"]
    assert done[0].waiting
    assert "bad b" not in taken(database), "what it wrote before it failed is undone"
    deliver(database, [bad, good], turned)
    assert bad.seen == ["a", "b"], "it is not its turn yet"
    broken, turned.time = False, turned.time + wait_after(1)
    deliver(database, [bad, good], turned)
    assert bad.seen == ["a", "b", "b", "c"]
    assert set(taken(database).values()) == {1}


def test_one_who_breaks_a_statement_stops_nobody(database: Database, turned: Turned) -> None:
    class Breaking(Taker):
        def receive(self, unit: Unit, event: Event) -> None:
            super().receive(unit, event)
            unit.execute("insert into event_set_aside (subscriber) values (null)")

    happen(database, "a")
    good, bad = Taker("good"), Breaking("bad")

    done = deliver(database, [bad, good], turned)

    assert [each.failed for each in done] == [1, 0]
    assert taken(database) == {"good a": 1}


def test_what_fails_for_good_is_set_aside_and_alarms(database: Database, turned: Turned) -> None:
    [_, poison, _] = happen(database, "a", "b", "c")
    bad, alarm = Taker("bad", "run.*", failing=lambda event: event.subject == "b"), Taker("alarm", "event.set_aside")

    tries = 0
    while not (done := deliver(database, [bad, alarm], turned))[0].set_aside:
        tries += 1
        turned.time += wait_after(tries)
    deliver(database, [alarm], turned)

    assert bad.seen == ["a", *["b"] * TRIES, "c"]
    assert done[0].set_aside == 1
    assert alarm.seen == ["b"]
    with database.read() as unit:
        [failure] = queries.set_aside_by(unit, poison)
    assert (failure.subscriber, failure.attempts, failure.error) == ("bad", TRIES, "ValueError: cannot take b")


def test_who_fails_to_take_the_alarm_does_not_raise_it_for_ever(database: Database, turned: Turned) -> None:
    happen(database, "a")
    bad = Taker("bad", failing=lambda event: True)

    for _ in range(3 * TRIES):
        deliver(database, [bad], turned)
        turned.time += wait_after(TRIES)

    assert bad.seen == ["a"] * 2 * TRIES  # the event, and the alarm


def test_what_one_delivery_reads_is_bounded(database: Database, turned: Turned) -> None:
    with database.unit() as unit:
        outbox.add_all(unit, [("run.started", str(number), {}) for number in range(120)], now=NOW)
    taker = Taker()

    assert [deliver(database, [taker], turned, limit=70)[0].read for _ in range(3)] == [70, 50, 0]
    assert taker.seen == [str(number) for number in range(120)]


def test_an_idle_delivery_writes_nothing(database: Database, database_url: str, turned: Turned) -> None:
    happen(database, "a")
    taker = Taker()
    deliver(database, [taker], turned)

    with closing(open_database(database_url, lock_wait=0.1)) as other, other.unit() as holding:
        holding.hold_alone("subscriptions")
        holding.execute("update subscription set attempts = attempts")
        # Who wanted to write would have to wait for the other.
        deliver(database, [taker], turned)

    assert taker.seen == ["a"]


@pytest.mark.parametrize("lower", ["xid", "number"])
def test_an_event_committed_late_is_not_skipped(postgres_shop_url: str, turned: Turned, lower: str) -> None:
    taker = Taker()
    with closing(open_database(postgres_shop_url)) as one, closing(open_database(postgres_shop_url)) as other:
        happen(one, "first")
        deliver(one, [taker], turned)
        with other.unit() as paused:
            if lower == "xid":  # the transaction began to write before, and its event comes after
                paused.execute("update subscription set attempts = 0 where name = 'nobody'")
                paused.value("select pg_current_xact_id()::text")
            else:
                outbox.add(paused, "run.completed", "late", {}, now=NOW)
            happen(one, "second")
            if lower == "xid":
                outbox.add(paused, "run.completed", "late", {}, now=NOW)
            deliver(one, [taker], turned)
            assert taker.seen == ["first"], "what is committed above the open transaction waits for it"

        deliver(one, [taker], turned)

    assert taker.seen == ["first", "late", "second"]


def test_two_deliverers_at_once_lose_and_repeat_nothing(database_url: str, turned: Turned, scale) -> None:  # type: ignore[no-untyped-def]
    count = scale(60, 2_000)
    stopped = threading.Event()
    failures: list[BaseException] = []
    takers = [Taker("one"), Taker("two", "run.completed")]

    def work() -> None:
        try:
            with closing(open_database(database_url)) as database:
                while True:
                    last = stopped.is_set()
                    deliver(database, takers, turned, limit=7)
                    if last and not any(each.read for each in deliver(database, takers, turned)):
                        return
        except BaseException as error:
            failures.append(error)

    def write(first: int) -> None:
        with closing(open_database(database_url)) as database:
            for number in range(first, count, 2):
                with database.unit() as unit:
                    outbox.add(unit, "run.completed", f"{number:05}", {}, now=NOW)

    threads = [threading.Thread(target=work) for _ in range(2)]
    writers = [threading.Thread(target=write, args=(first,)) for first in range(2)]
    for thread in threads + writers:
        thread.start()
    for thread in writers:
        thread.join()
    stopped.set()
    for thread in threads:
        thread.join()

    assert not failures
    with closing(open_database(database_url)) as database:
        deliver(database, takers, turned)
        found = taken(database)
    assert found == {f"{name} {number:05}": 1 for name in ("one", "two") for number in range(count)}


def test_a_crash_before_the_commit_delivers_again_with_one_effect(database: Database, turned: Turned) -> None:
    happen(database, "a")
    taker = Taker()
    with pytest.raises(KeyboardInterrupt):
        deliver(database, [_Interrupted(taker)], turned)

    deliver(database, [taker], turned)

    assert taker.seen == ["a", "a"]
    assert taken(database) == {"taker a": 1}


class _Interrupted:
    def __init__(self, taker: Taker) -> None:
        self.name, self.types, self.start = taker.name, taker.types, taker.start
        self._taker = taker

    def receive(self, unit, event) -> None:  # type: ignore[no-untyped-def]
        self._taker.receive(unit, event)
        raise KeyboardInterrupt


@pytest.mark.parametrize("way", ["sqlite to postgres", "postgres to sqlite"])
def test_a_shop_that_moved_loses_no_event(
    prepared_sqlite: Path, postgres_shop_url: str, tmp_path: Path, turned: Turned, way: str
) -> None:
    (tmp_path / "shop.db").write_bytes(prepared_sqlite.read_bytes())
    (tmp_path / "shop.db").chmod(0o600)
    urls = [f"sqlite:///{tmp_path / 'shop.db'}", postgres_shop_url]
    if way.startswith("postgres"):
        urls.reverse()
    taker, idle = Taker(), Taker("idle", failing=lambda event: True)
    with closing(open_database(urls[0])) as old, closing(open_database(urls[1])) as new:
        happen(old, "a", "b")
        deliver(old, [taker], turned)
        happen(old, "c")
        deliver(old, [idle], turned)
        copy(old, new, lambda table, rows: None)
        happen(new, "d")
        taker.seen.clear()

        deliver(new, [taker], turned)

        # What the old one delivered in its last hour may come again, what it had not delivered must come.
        assert taker.seen == ["a", "b", "c", "d"]
        with new.read() as unit:
            assert not positions.is_foreign(unit, list(positions.standings(unit).values()))
        deliver(new, [taker], turned)
        assert taker.seen == ["a", "b", "c", "d"]
