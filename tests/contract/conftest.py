"""A shop's database of its own, on both engines, with a clock that tests turn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from shopctl.kernel.clock import Clock
from shopctl.storage.database import Database, open_database
from shopctl.storage.migrations import upgrade
from support.products import NOW


class Turned(Clock):
    """A clock that stands until it is turned."""

    def __init__(self, time: int = NOW) -> None:
        self.time = time

    def now(self) -> int:
        return self.time


@pytest.fixture
def turned() -> Turned:
    return Turned()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = open_database(database_url)
    if not found.exists():
        found.create()
    upgrade(found, "shop")
    with closing(found):
        yield found
