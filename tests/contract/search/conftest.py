"""Search over a catalogue of its own, on both databases, with a clock that tests turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from shopctl.catalogue.searching import SearchRequest, SearchService
from shopctl.kernel.clock import Clock
from shopctl.storage.database import Database, open_database
from shopctl.storage.migrations import upgrade
from support.products import NOW, add


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


@pytest.fixture
def search(database: Database, turned: Turned, tmp_path: Path) -> SearchService:
    return SearchService(database, turned, engine="tantivy", folder=tmp_path / "index", currency="USD")


@pytest.fixture
def stored(database: Database) -> Callable[..., None]:
    """Adds products in a unit of its own."""

    def store(*skus: str, **given: Any) -> None:
        with database.unit() as unit:
            add(unit, *skus, **given)

    return store


@pytest.fixture
def skus(search: SearchService) -> Callable[..., list[str]]:
    """The SKUs a search finds, in its order."""

    def found(query: str = "", **asked: Any) -> list[str]:
        return [hit["sku"] for hit in search.search(SearchRequest(query, **asked))["hits"]]

    return found
