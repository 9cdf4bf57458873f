"""A database with the shop's schema, on both engines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shopctl.storage.database import Database, open_database
from shopctl.storage.migrations import upgrade


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = open_database(database_url)
    upgrade(found, "shop")
    yield found
    found.close()
