"""Search over a catalogue of its own, on both databases, with a clock that tests turn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shopctl.catalogue.searching import SearchRequest, SearchService
from shopctl.kernel.clock import Clock
from shopctl.storage.database import Database
from support.products import add


@pytest.fixture
def search(database: Database, turned: Clock, tmp_path: Path) -> SearchService:
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
