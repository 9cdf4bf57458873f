"""A workbench on either database."""

from __future__ import annotations

import pytest

from contract.conftest import Turned
from shopctl.storage.database import Database
from support.workbench import Bench


@pytest.fixture
def bench(database: Database, turned: Turned, database_url: str) -> Bench:
    return Bench(database, turned, database_url)
