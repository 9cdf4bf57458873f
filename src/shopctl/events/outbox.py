"""The outbox: an event is written in the unit that makes the change it tells of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shopctl.kernel import ids
from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit

COLUMNS = ("id", "type", "subject", "at", "payload")

Entry = tuple[str, str, Mapping[str, Any]]
"""Type, subject (the id of what it is about) and payload of an event."""


def add(unit: Unit, type_: str, subject: str, payload: Mapping[str, Any], *, now: Instant) -> str:
    """Write one event. Its id."""
    return add_all(unit, [(type_, subject, payload)], now=now)[0]


def add_all(unit: Unit, entries: Sequence[Entry], *, now: Instant) -> list[str]:
    """Write events in their order. Their ids."""
    made = ids.several("evt", len(entries))
    unit.insert_many("event", COLUMNS, _rows(entries, made, now))
    return made


def _rows(entries: Iterable[Entry], made: Iterable[str], now: Instant) -> list[tuple[object, ...]]:
    dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    return [
        (id_, type_, subject, now, dumps(payload)) for id_, (type_, subject, payload) in zip(made, entries, strict=True)
    ]
