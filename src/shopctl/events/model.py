"""What an event is, who subscribes to it, and how long one waits who failed to take it. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit

TRIES = 8  # then an event is set aside: a little over four minutes after the first
_LONGEST_WAIT = 300  # seconds

SET_ASIDE = "event.set_aside"


class Event(NamedTuple):
    """What happened: `subject` is the id of what it is about, `payload` a JSON object."""

    number: int
    id: str
    type: str
    subject: str
    at: Instant
    payload: Mapping[str, Any]


class Subscriber(Protocol):
    """Takes events, one after the other in the order of their commits.

    `types` are exact (`run.completed`), begin alike (`run.*`) or are all (`*`). A subscriber that is new in a shop
    `start`s with all that the outbox holds, or with what comes from now on.
    """

    name: str
    types: Sequence[str]
    start: Literal["beginning", "end"]

    def receive(self, unit: Unit, event: Event) -> None:
        """Take an event. What is written through `unit` is written once: it commits with the subscriber's position.

        No call to the outside happens here; who needs one writes down that it is due. An event may come again (when
        the unit could not be committed, or by `event replay`), so other effects go by `event.id`. What it raises
        undoes what it wrote; the event comes again later, `TRIES` times in all, and is set aside then.
        """


class Delivered(NamedTuple):
    """What one delivery did for one subscriber; `waiting` says that a retry is due later."""

    subscriber: str
    read: int = 0  # events passed, wanted or not
    received: int = 0
    failed: int = 0
    set_aside: int = 0
    waiting: bool = False


def wanted(types: Sequence[str], type_: str) -> bool:
    """Whether somebody who asks for these types wants that one."""
    return any(type_.startswith(asked[:-1]) if asked.endswith("*") else type_ == asked for asked in types)


def wait_after(attempts: int) -> int:
    """Microseconds until the next try: 2 seconds after the first failure, twice as long after each further one."""
    return int(min(2**attempts, _LONGEST_WAIT)) * 1_000_000
