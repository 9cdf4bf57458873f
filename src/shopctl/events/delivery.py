"""Delivers the outbox to subscribers: at least once, in order, each at its own pace."""

from __future__ import annotations

from collections.abc import Sequence

from shopctl.events import outbox, positions, queries
from shopctl.events.model import SET_ASIDE, TRIES, Delivered, Event, Subscriber, wait_after, wanted
from shopctl.events.positions import Place, Standing
from shopctl.kernel import logging
from shopctl.kernel.clock import Clock, Instant
from shopctl.kernel.errors import one_line
from shopctl.storage.database import Database
from shopctl.storage.unit import Unit

BATCH = 50  # events a unit: on PostgreSQL a unit remembers 64 savepoints without effort
_ERROR = 500  # characters kept of what went wrong


def deliver(
    database: Database, subscribers: Sequence[Subscriber], clock: Clock, *, limit: int = 10_000
) -> list[Delivered]:
    """Hand every subscriber what is new, at most `limit` events in all; what was done for each of them.

    Any number of processes may deliver at once: a subscriber whom another one serves is left to it. One that fails
    waits while the others go on. An idle call writes nothing. Raises only what the database itself does.
    """
    _begin(database, subscribers)
    done = {each.name: Delivered(each.name) for each in subscribers}
    busy = list(subscribers)
    while busy and limit > 0:
        for subscriber in tuple(busy):
            now = clock.now()
            part = _batch(database, subscriber, now, min(BATCH, limit)) if limit > 0 else None
            if part is None:
                busy.remove(subscriber)
                continue
            limit -= part.read
            done[subscriber.name] = _sum(done[subscriber.name], part)
            if part.waiting:
                busy.remove(subscriber)
    return list(done.values())


def received(unit: Unit, subscriber: Subscriber, event: Event) -> str | None:
    """Have a subscriber take an event within a unit; what went wrong, with what it wrote undone."""
    unit.execute("savepoint receiving")
    try:
        with logging.identified(event.id):
            subscriber.receive(unit, event)
    except Exception as error:
        # Where the connection itself is gone this raises, and the unit fails as a whole.
        unit.execute("rollback to savepoint receiving")
        unit.execute("release savepoint receiving")
        return logging.redact(one_line(f"{type(error).__name__}: {error}"))[:_ERROR]
    unit.execute("release savepoint receiving")
    return None


def _begin(database: Database, subscribers: Sequence[Subscriber]) -> None:
    with database.read() as unit:
        known = positions.standings(unit)
        foreign = positions.is_foreign(unit, list(known.values()))
    new = [each for each in subscribers if each.name not in known]
    if not new and not foreign:
        return
    with database.unit() as unit:
        positions.adopt(unit)
        for each in new:
            positions.begin(unit, each.name, positions.end(unit) if each.start == "end" else Place(0, 0))


def _batch(database: Database, subscriber: Subscriber, now: Instant, limit: int) -> Delivered | None:
    """The next events for one subscriber in one unit; None when there are none, or not yet, or another serves it."""
    with database.read() as unit:
        if not _due(unit, positions.standings(unit).get(subscriber.name), now):
            return None
    with database.unit() as unit:
        standing = positions.claimed(unit, subscriber.name)
        if not _due(unit, standing, now):
            return None
        assert standing is not None
        return _deliver(unit, subscriber, standing, now, limit)


def _due(unit: Unit, standing: Standing | None, now: Instant) -> bool:
    return standing is not None and standing.next_at <= now and queries.any_following(unit, standing.place)


def _deliver(unit: Unit, subscriber: Subscriber, standing: Standing, now: Instant, limit: int) -> Delivered:
    place, attempts = standing.place, standing.attempts
    read = taken = failed = aside = 0
    for behind, event in queries.following(unit, place, limit):
        if wanted(subscriber.types, event.type):
            error = received(unit, subscriber, event)
            if error is None:
                taken += 1
            else:
                failed += 1
                attempts += 1
                if attempts < TRIES:
                    _log(subscriber, event, attempts, error)
                    positions.move(
                        unit, subscriber.name, place, attempts=attempts, next_at=now + wait_after(attempts), error=error
                    )
                    return Delivered(subscriber.name, read, taken, failed, aside, waiting=True)
                _set_aside(unit, subscriber, event, attempts, error, now)
                aside += 1
        place, attempts = behind, 0
        read += 1
    positions.move(unit, subscriber.name, place)
    return Delivered(subscriber.name, read, taken, failed, aside)


def _set_aside(unit: Unit, subscriber: Subscriber, event: Event, attempts: int, error: str, now: Instant) -> None:
    queries.set_aside(unit, subscriber.name, event.id, attempts=attempts, error=error, now=now)
    logging.error("an event was set aside", event_id=event.id, subscriber=subscriber.name, error=error)
    if event.type != SET_ASIDE:  # else who fails to take the alarm would raise it for ever
        payload = {"subscriber": subscriber.name, "event_id": event.id, "type": event.type, "error": error}
        outbox.add(unit, SET_ASIDE, event.subject, payload, now=now)


def _log(subscriber: Subscriber, event: Event, attempts: int, error: str) -> None:
    logging.warning(
        "an event was not taken", event_id=event.id, subscriber=subscriber.name, attempt=attempts, error=error
    )


def _sum(one: Delivered, other: Delivered) -> Delivered:
    return Delivered(
        one.subscriber,
        one.read + other.read,
        one.received + other.received,
        one.failed + other.failed,
        one.set_aside + other.set_aside,
        one.waiting or other.waiting,
    )
