"""The services of the catalogue on a database of their own, on both engines, with a clock that tests turn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shopctl.audit.keys import create_key
from shopctl.audit.service import Audit
from shopctl.catalogue.service import CatalogueService
from shopctl.catalogue.stock import StockService
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
    yield found
    found.close()


@pytest.fixture
def audit(database: Database, tmp_path: Path, turned: Turned) -> Audit:
    create_key(tmp_path / "audit.key")
    return Audit(database, tmp_path / "audit.key", actor="os:anna", clock=turned)


@pytest.fixture
def catalogue(database: Database, audit: Audit, turned: Turned) -> CatalogueService:
    return CatalogueService(database, audit, turned, "USD")


@pytest.fixture
def stock(database: Database, audit: Audit, turned: Turned) -> StockService:
    return StockService(database, audit, turned)
