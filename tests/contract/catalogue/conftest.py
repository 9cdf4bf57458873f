"""The services of the catalogue on a database of their own, on both engines, with a clock that tests turn."""

from __future__ import annotations

from pathlib import Path

import pytest

from shopctl.audit.keys import create_key
from shopctl.audit.service import Audit
from shopctl.catalogue.service import CatalogueService
from shopctl.catalogue.stock import StockService
from shopctl.kernel.clock import Clock
from shopctl.storage.database import Database


@pytest.fixture
def audit(database: Database, tmp_path: Path, turned: Clock) -> Audit:
    create_key(tmp_path / "audit.key")
    return Audit(database, tmp_path / "audit.key", actor="os:anna", clock=turned)


@pytest.fixture
def catalogue(database: Database, audit: Audit, turned: Clock) -> CatalogueService:
    return CatalogueService(database, audit, turned, "USD")


@pytest.fixture
def stock(database: Database, audit: Audit, turned: Clock) -> StockService:
    return StockService(database, audit, turned)
