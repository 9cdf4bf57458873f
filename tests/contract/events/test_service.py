"""Looking at events and delivering them again, on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from contract.conftest import Turned
from contract.events.conftest import Taker, happen, taken
from shopctl.audit.keys import create_key
from shopctl.audit.service import Audit
from shopctl.events import outbox
from shopctl.events.errors import EventNotFound, NothingToReplay, SubscriberNotFound
from shopctl.events.model import TRIES
from shopctl.events.queries import Filters
from shopctl.events.service import EventService
from shopctl.storage.database import Database
from support.products import NOW

SECOND = 1_000_000


@pytest.fixture
def events(database: Database, turned: Turned, tmp_path: Any) -> Any:
    create_key(tmp_path / "audit.key")
    audit = Audit(database, tmp_path / "audit.key", clock=turned)
    return lambda *subscribers: EventService(database, audit, turned, subscribers)


def subjects(rows: Any) -> list[str]:
    return [row["subject"] for row in rows]


def told(database: Database) -> list[str]:
    """Five events, a second apart."""
    types = ("run.started", "step.failed", "run.parked", "stepwise", "run_x")
    entries: Sequence[Any] = [(type_, f"{at}", {"n": at}) for at, type_ in enumerate(types)]
    made = []
    for at, entry in enumerate(entries):
        with database.unit() as unit:
            made += outbox.add_all(unit, [entry], now=NOW + at * SECOND)
    return made


FOUND = [
    (Filters(), "43210"),
    (Filters(type="run.*"), "20"),
    (Filters(type="*.failed"), "1"),
    (Filters(type="run?x"), "4"),
    (Filters(type="run_x"), "4"),
    (Filters(type="run.parked"), "2"),
    (Filters(type="run.%"), ""),
    (Filters(subject="3"), "3"),
    (Filters(since=NOW + SECOND, until=NOW + 3 * SECOND), "21"),
]


def test_the_list_keeps_to_its_filters(database: Database, events: Any) -> None:
    told(database)

    assert [(filters, "".join(subjects(events().list(filters, limit=9)))) for filters, _ in FOUND] == FOUND


def test_pages_follow_one_another(database: Database, events: Any) -> None:
    ids = told(database)
    service = events()

    first = list(service.list(Filters(), limit=2))
    second = list(service.list(Filters(), limit=2, after=first[-1]["event_id"]))
    upwards = list(service.list(Filters(), limit=2, after=ids[1], oldest_first=True))

    assert [subjects(page) for page in (first, second, upwards)] == [["4", "3"], ["2", "1"], ["2", "3"]]
    with pytest.raises(EventNotFound):
        list(service.list(Filters(), limit=2, after="evt_none"))


def test_who_follows_hears_what_comes_from_now_on(database: Database, events: Any) -> None:
    happen(database, "before")
    waits = iter([("a", "run.started"), ("b", "step.failed"), ("c", "run.completed")])

    def wait(seconds: float) -> None:
        subject, type_ = next(waits)
        happen(database, subject, type=type_)

    stream = events().follow(Filters(type="run.*"), wait=wait)

    assert subjects(next(stream) for _ in range(2)) == ["a", "c"]


def test_what_was_set_aside_is_delivered_when_the_cause_is_mended(
    database: Database, events: Any, turned: Turned
) -> None:
    broken = True
    [good, poison] = happen(database, "good", "poison")
    taker = Taker("taker", "run.*", failing=lambda event: broken and event.subject == "poison")
    service = events(taker)
    for _ in range(TRIES):
        service.deliver()
        turned.time += 300 * SECOND
    [failure] = service.show(poison)["set_aside"]
    [row] = service.subscribers()
    assert (failure["subscriber"], failure["attempts"]) == ("taker", TRIES)
    assert (row["state"], row["set_aside"]) == ("up_to_date", 1)
    assert subjects(service.list(Filters(set_aside="taker"), limit=9)) == ["poison"]
    assert not list(service.list(Filters(set_aside="another"), limit=9))

    [still] = service.replay("taker", filters=Filters(set_aside="taker"))
    broken = False
    [tried] = service.replay("taker", filters=Filters(set_aside="taker"), dry_run=True)
    assert service.show(poison)["set_aside"], "a dry run changes nothing"
    [done] = service.replay("taker", filters=Filters(set_aside="taker"))

    assert (still.received, tried.received, done.received) == (False, True, True)
    assert "cannot take poison" in str(still.error)
    assert service.show(poison)["set_aside"] == service.show(good)["set_aside"] == []
    assert taken(database)["taker poison"] == 1


def test_a_range_is_delivered_again_to_one_subscriber(database: Database, events: Any) -> None:
    told(database)
    taker, other = Taker("taker", "run.*"), Taker("other")
    service = events(taker, other)
    service.deliver()
    taker.seen.clear()
    other.seen.clear()

    done = list(service.replay("taker", filters=Filters(since=NOW)))

    assert taker.seen == ["0", "2"], "what it does not want is not handed to it"
    assert [each.type for each in done] == ["run.started", "run.parked"]
    assert not other.seen
    assert not service.deliver(), "its position stayed"
    with database.read() as unit:
        assert unit.value("select changed from audit_entry where action = 'event.replay'") == 2


def test_what_a_replay_causes_is_not_replayed(database: Database, events: Any) -> None:
    happen(database, *(str(number) for number in range(120)))

    class Echo(Taker):
        def receive(self, unit: Any, event: Any) -> None:
            super().receive(unit, event)
            outbox.add(unit, "run.completed", "echo", {}, now=NOW)

    echo = Echo("echo", start="end")

    assert len(list(events(echo).replay("echo", filters=Filters(type="*")))) == 120


def test_a_replay_says_what_it_cannot_find(database: Database, events: Any) -> None:
    service = events(Taker())

    with pytest.raises(SubscriberNotFound, match="there are: taker"):
        service.replay("nobody", ["evt_1"])
    with pytest.raises(EventNotFound):
        service.replay("taker", ["evt_1"])
    with pytest.raises(NothingToReplay):
        service.replay("taker")
