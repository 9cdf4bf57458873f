"""Reads events: those behind a place in the order of delivery, one by its id, a page of the list."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from shopctl.events.model import Event
from shopctl.events.positions import Place, behind, order
from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit, json_array

_COLUMNS = "number, id, type, subject, at, payload"


class Filters(NamedTuple):
    """Which events; None means any. `type` is a pattern with `*` and `?`."""

    type: str | None = None
    subject: str | None = None
    since: Instant | None = None  # from then on
    until: Instant | None = None  # before then
    set_aside: str | None = None  # by this subscriber; "" by any


class SetAside(NamedTuple):
    """That a subscriber failed to take an event."""

    subscriber: str
    attempts: int
    error: str
    at: Instant


def following(unit: Unit, place: Place, limit: int) -> list[tuple[Place, Event]]:
    """The events behind a place, in the order of delivery, each with the place that it is at."""
    rows = unit.tuples(
        f"select coalesce(xid, 0), {_COLUMNS} from event where {behind(unit)} order by {order(unit)} limit :limit",
        limit=limit, **place._asdict(),
    )  # fmt: skip
    return [(Place(xid, values[0]), _event(values)) for xid, *values in rows]


def any_following(unit: Unit, place: Place) -> bool:
    """Whether there is an event behind a place."""
    return unit.value(f"select 1 from event where {behind(unit)} limit 1", **place._asdict()) is not None


def by_id(unit: Unit, ids: Iterable[str]) -> dict[str, Event]:
    """Events by their ids."""
    rows = unit.tuples(
        f"select {_COLUMNS} from event where id in (select value ->> 0 from {unit.each('ids')})", ids=json_array(ids)
    )
    return {event.id: event for event in map(_event, rows)}


def page(
    unit: Unit, filters: Filters, *, limit: int, after: int | None = None, oldest_first: bool = False
) -> Iterator[Event]:
    """Events as a stream, newest first unless told; `after` is the number of the last one of the page before."""
    where, params = _conditions(filters)
    if after is not None:
        where.append(f"number {'>' if oldest_first else '<'} :after")
        params["after"] = after
    rows = unit.stream(
        f"""select {_COLUMNS} from event where {" and ".join(where) or "1 = 1"}
             order by number {"asc" if oldest_first else "desc"} limit :limit""",
        limit=limit, **params,
    )  # fmt: skip
    return map(_event, rows)


def last_number(unit: Unit) -> int:
    """The highest number of an event."""
    return int(unit.value("select coalesce(max(number), 0) from event"))


def set_aside(unit: Unit, subscriber: str, event_id: str, *, attempts: int, error: str, now: Instant) -> None:
    """Write down that a subscriber does without an event until somebody delivers it by hand."""
    unit.execute(
        """insert into event_set_aside (subscriber, event_id, attempts, error, at)
           values (:subscriber, :event_id, :attempts, :error, :now)
           on conflict (subscriber, event_id) do update
              set attempts = excluded.attempts, error = excluded.error, at = excluded.at""",
        subscriber=subscriber, event_id=event_id, attempts=attempts, error=error, now=now,
    )  # fmt: skip


def taken_up(unit: Unit, subscriber: str, event_id: str) -> None:
    """A subscriber has taken the event after all."""
    unit.execute(
        "delete from event_set_aside where subscriber = :subscriber and event_id = :event_id",
        subscriber=subscriber, event_id=event_id,
    )  # fmt: skip


def set_aside_by(unit: Unit, event_id: str) -> list[SetAside]:
    """Who failed to take an event."""
    return unit.rows(
        SetAside,
        """select subscriber, attempts, error, at from event_set_aside where event_id = :event_id
            order by subscriber""",
        event_id=event_id,
    )


def set_aside_counts(unit: Unit) -> dict[str, int]:
    """How many events wait to be delivered by hand, by subscriber."""
    return dict(unit.tuples("select subscriber, count(*) from event_set_aside group by subscriber"))


def matches(filters: Filters, event: Event) -> bool:
    """Whether an event has the type and subject asked for, for readers who follow the outbox."""
    import re

    return (
        filters.type is None or re.fullmatch(_expression(filters.type), event.type) is not None
    ) and filters.subject in (None, event.subject)


def _conditions(filters: Filters) -> tuple[list[str], dict[str, object]]:
    where: list[str] = []
    params: dict[str, object] = {}
    if filters.type is not None:
        pattern = any(sign in filters.type for sign in "*?")
        where.append("type like :type escape '!'" if pattern else "type = :type")
        params["type"] = _like(filters.type) if pattern else filters.type
    for name, condition in (("subject", "subject = :subject"), ("since", "at >= :since"), ("until", "at < :until")):
        if (value := getattr(filters, name)) is not None:
            where.append(condition)
            params[name] = value
    if filters.set_aside is not None:
        by = "where subscriber = :subscriber" if filters.set_aside else ""
        where.append(f"id in (select event_id from event_set_aside {by})")
        if filters.set_aside:
            params["subscriber"] = filters.set_aside
    return where, params


def _like(pattern: str) -> str:
    escaped = "".join(f"!{sign}" if sign in "!%_" else sign for sign in pattern)
    return escaped.replace("*", "%").replace("?", "_")


def _expression(pattern: str) -> str:
    import re

    return "".join({"*": ".*", "?": "."}.get(sign) or re.escape(sign) for sign in pattern)


def _event(row: Any) -> Event:
    number, id_, type_, subject, at, payload = row
    return Event(number, id_, type_, subject, at, json.loads(payload))
