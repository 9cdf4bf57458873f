"""A shop's database of its own, on both engines, with a clock that tests turn."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from shopctl.kernel.clock import Clock
from shopctl.storage.database import Database, open_database
from support.postgres import fresh_database
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
def postgres_shop_url(postgres_server: str, prepared_postgres: str) -> Iterator[str]:
    """A PostgreSQL database with the shop's schema and no row."""
    with fresh_database(postgres_server, like=prepared_postgres) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with the shop's schema and no row; every test that takes it runs on both kinds."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("prepared_sqlite"), tmp_path)
        return f"sqlite:///{tmp_path / 'shop.db'}"
    url: str = request.getfixturevalue("postgres_shop_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with closing(open_database(database_url)) as found:
        yield found
