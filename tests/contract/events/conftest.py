"""Events and who takes them, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pytest

from shopctl.events import outbox
from shopctl.events.model import Event
from shopctl.storage.database import Database
from shopctl.storage.unit import Unit
from support.products import NOW


class Taker:
    """A subscriber that writes down what it takes: in the database, and in `seen` each time it is asked."""

    def __init__(
        self, name: str = "taker", *types: str, start: Literal["beginning", "end"] = "beginning",
        failing: Callable[[Event], bool] = lambda event: False,
    ) -> None:  # fmt: skip
        self.name, self.types, self.start, self.failing = name, types or ("*",), start, failing
        self.seen: list[str] = []

    def receive(self, unit: Unit, event: Event) -> None:
        self.seen.append(event.subject)
        # A table at hand that has nothing to do with events: what a subscriber changes in its unit.
        unit.execute(
            """insert into downstream (name, failures, rests_until, next_call_at) values (:name, 1, 0, 0)
               on conflict (name) do update set failures = downstream.failures + 1""",
            name=f"{self.name} {event.subject}",
        )
        if self.failing(event):
            raise ValueError(f"cannot take {event.subject}")


def happen(database: Database, *subjects: str, type: str = "run.completed") -> list[str]:
    """Write events, each in a unit of its own; their ids."""
    made = []
    for subject in subjects:
        with database.unit() as unit:
            made.append(outbox.add(unit, type, subject, {"about": subject}, now=NOW))
    return made


def taken(database: Database) -> dict[str, int]:
    """What was kept of the takers' work: `taker subject` to how often."""
    with database.read() as unit:
        return dict(unit.tuples("select name, failures from downstream order by name"))


@pytest.fixture
def counts() -> Callable[[Any], dict[str, tuple[int, int, int]]]:
    """What was delivered: subscriber to (received, failed, set aside)."""
    return lambda done: {each.subscriber: (each.received, each.failed, each.set_aside) for each in done}
