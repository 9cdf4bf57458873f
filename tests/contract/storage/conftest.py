"""A database with sealing keys and two tables with sealed columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from shopctl.storage.database import Database, open_database
from shopctl.storage.sealing import Sealer
from support.sealing import COLUMNS, Held, make_tables


@pytest.fixture
def sealed(database: Database) -> Database:
    """The shop's database with sealing keys' table and the tables of `support.sealing`."""
    make_tables(database)
    return database


@pytest.fixture
def other(sealed: Database, database_url: str) -> Iterator[Database]:
    """The same database as another process sees it."""
    with closing(open_database(database_url)) as found:
        yield found


@pytest.fixture
def held() -> Held:
    return Held()


@pytest.fixture
def sealer(sealed: Database, held: Held) -> Sealer:
    """A sealer whose database has its keys."""
    found = Sealer("shop", COLUMNS, held)
    with sealed.unit() as unit:
        found.begin(unit)
    return found


@pytest.fixture
def another(held: Held) -> Callable[[], Sealer]:
    """Makes a sealer as another process has it: it knows no key yet."""
    return lambda: Sealer("shop", COLUMNS, held)
