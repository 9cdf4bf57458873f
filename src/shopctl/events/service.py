"""The use cases of events: look at what happened, follow it, deliver it, deliver it again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from shopctl.audit.service import Audit
from shopctl.events import positions, queries
from shopctl.events.delivery import deliver, received
from shopctl.events.errors import EventNotFound, NothingToReplay, SubscriberNotFound
from shopctl.events.model import Delivered, Event, Subscriber, wanted
from shopctl.events.queries import Filters
from shopctl.kernel.clock import Clock, show
from shopctl.storage.database import Database
from shopctl.storage.unit import Unit

_BATCH = 50


class Replayed(NamedTuple):
    """An event that was delivered again: `error` is what went wrong, `received` whether the subscriber has it."""

    event_id: str
    type: str
    received: bool
    error: str | None


class EventService:
    """Events of one shop. `subscribers` are those that live in this process."""

    def __init__(self, database: Database, audit: Audit, clock: Clock, subscribers: Sequence[Subscriber]) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._subscribers = subscribers

    def list(
        self, filters: Filters, *, limit: int, after: str | None = None, oldest_first: bool = False
    ) -> Iterator[dict[str, Any]]:
        """Events as a stream of {"event_id","type","subject","at","payload"}, newest first unless told.

        `after` is the id of the last event of the page before. Raises EventNotFound for it.
        """
        with self._database.read() as unit:
            start = None if after is None else _need(unit, after).number
            for event in queries.page(unit, filters, limit=limit, after=start, oldest_first=oldest_first):
                yield shown(event)

    def follow(
        self, filters: Filters, *, wait: Callable[[float], None] = time.sleep, seconds: float = 0.5
    ) -> Iterator[dict[str, Any]]:
        """Events as they are committed, from now on and without end; none is missed. No snapshot stays open."""
        with self._database.read() as unit:
            place = positions.end(unit)
        while True:
            with self._database.read() as unit:
                found = queries.following(unit, place, _BATCH)
            for place, event in found:  # noqa: B007 - the last place is where the next turn begins
                if queries.matches(filters, event):
                    yield shown(event)
            if len(found) < _BATCH:
                wait(seconds)

    def show(self, id_: str) -> dict[str, Any]:
        """One event, as in the list, with "set_aside": who failed to take it. Raises EventNotFound."""
        with self._database.read() as unit:
            event = _need(unit, id_)
            failures = queries.set_aside_by(unit, event.id)
        return {
            **shown(event),
            "set_aside": [{**failure._asdict(), "at": show(failure.at)} for failure in failures],
        }

    def subscribers(self) -> Sequence[dict[str, Any]]:
        """How each subscriber fares: {"subscriber","types","here","state","attempts","next_at","error","set_aside"}.

        `state` is `new` before its first delivery, `up_to_date`, `behind` or `waiting` for a retry; `here` says whether
        this release still has it.
        """
        here = {each.name: each for each in self._subscribers}
        with self._database.read() as unit:
            known = positions.standings(unit)
            counts = queries.set_aside_counts(unit)
            rows = []
            for name in sorted({*here, *known}):
                found = known.get(name)
                state = "new"
                if found is not None:
                    behind = queries.any_following(unit, found.place)
                    state = "waiting" if found.attempts and behind else "behind" if behind else "up_to_date"
                rows.append(
                    {
                        "subscriber": name,
                        "types": list(here[name].types) if name in here else [],
                        "here": name in here,
                        "state": state,
                        "attempts": found.attempts if found else 0,
                        "next_at": show(found.next_at) if found and found.attempts else None,
                        "error": found.error if found else None,
                        "set_aside": counts.get(name, 0),
                    }
                )
        return rows

    def deliver(self, *, limit: int = 10_000) -> Sequence[Delivered]:
        """Hand every subscriber what is new; see `delivery.deliver`. Only those for whom something was done."""
        done = deliver(self._database, self._subscribers, self._clock, limit=limit)
        return [each for each in done if each.read or each.failed]

    def replay(
        self, name: str, ids: Sequence[str] = (), filters: Filters | None = None, *, dry_run: bool = False
    ) -> Iterator[Replayed]:
        """Deliver events again, oldest first: those named, or those that the filters choose; only what it wants.

        Each batch of them is a unit, with its entry in the audit trail; the subscriber's position stays. Raises
        SubscriberNotFound, EventNotFound naming the first that is missing, NothingToReplay.
        """
        subscriber = self._subscriber(name)
        if not ids and filters is None:
            raise NothingToReplay()
        with self._database.read() as unit:
            known = queries.by_id(unit, ids)
            last = queries.last_number(unit)  # what a replay itself causes is not replayed
        for id_ in ids:
            if id_ not in known:
                raise EventNotFound(id=id_)
        if ids:
            named = sorted(known.values())
            return self._replay(subscriber, (named[at : at + _BATCH] for at in range(0, len(named), _BATCH)), dry_run)
        assert filters is not None
        return self._replay(subscriber, self._chosen(filters, last), dry_run)

    def _chosen(self, filters: Filters, last: int) -> Iterator[Sequence[Event]]:
        after = 0
        while True:
            with self._database.read() as unit:
                found = list(queries.page(unit, filters, limit=_BATCH, after=after, oldest_first=True))
            part = [event for event in found if event.number <= last]
            if part:
                yield part
            if len(found) < _BATCH or len(part) < len(found):
                return
            after = part[-1].number

    def _replay(self, subscriber: Subscriber, batches: Iterator[Sequence[Event]], dry_run: bool) -> Iterator[Replayed]:
        for batch in batches:
            events = [event for event in batch if wanted(subscriber.types, event.type)]
            if not events:
                continue
            with self._database.unit(dry_run=dry_run) as unit:
                done = [_again(unit, subscriber, event) for event in events]
                facts = {
                    "first": events[0].id,
                    "last": events[-1].id,
                    "failed": sum(not each.received for each in done),
                }
                if not dry_run:
                    self._audit.record(unit, "event.replay", subscriber.name, facts, count=len(events))
            yield from done

    def _subscriber(self, name: str) -> Subscriber:
        for each in self._subscribers:
            if each.name == name:
                return each
        names = ", ".join(sorted(each.name for each in self._subscribers)) or "none"
        raise SubscriberNotFound(name=name, names=names)


def shown(event: Event) -> dict[str, Any]:
    """An event as it is shown: {"event_id","type","subject","at","payload"}."""
    return {
        "event_id": event.id,
        "type": event.type,
        "subject": event.subject,
        "at": show(event.at),
        "payload": dict(event.payload),
    }


def _again(unit: Unit, subscriber: Subscriber, event: Event) -> Replayed:
    error = received(unit, subscriber, event)
    if error is None:
        queries.taken_up(unit, subscriber.name, event.id)
    return Replayed(event.id, event.type, error is None, error)


def _need(unit: Unit, id_: str) -> Event:
    found = queries.by_id(unit, [id_]).get(id_)
    if found is None:
        raise EventNotFound(id=id_)
    return found
