"""Search over a catalogue of its own, on every engine and both databases, with a clock that tests turn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shopctl.catalogue.engines import NAMES
from shopctl.catalogue.searching import SearchRequest, SearchService
from shopctl.kernel.clock import Clock
from shopctl.storage.database import Database
from support.products import add


@pytest.fixture(params=NAMES)
def engine_name(request: pytest.FixtureRequest) -> str:
    """Every test that searches runs on every engine."""
    return str(request.param)


@pytest.fixture
def search(database: Database, turned: Clock, tmp_path: Path, engine_name: str) -> SearchService:
    return SearchService(database, turned, engine=engine_name, folder=tmp_path / "index", currency="USD")


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
