"""The services of the catalogue on a database of their own, on both engines, with a clock that tests turn."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from shopctl.audit.keys import create_key
from shopctl.audit.service import Audit
from shopctl.catalogue import bundled
from shopctl.catalogue.service import CatalogueService
from shopctl.catalogue.stock import StockService
from shopctl.kernel.clock import Clock
from shopctl.storage.database import Database, open_database
from support.feeds import Feeds
from support.postgres import fresh_database

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
Open = Callable[[str, str], Feeds]


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


@pytest.fixture
def opened(turned: Clock, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Open]:
    """Opens a new shop of a name on a kind of database."""
    with ExitStack() as stack:

        def open_(name: str, kind: str) -> Feeds:
            folder = tmp_path / name
            folder.mkdir()
            if kind == "postgres":
                server, prepared = map(request.getfixturevalue, ("postgres_server", "prepared_postgres"))
                url = stack.enter_context(fresh_database(server, like=prepared))
            else:
                url = f"sqlite:///{shutil.copy(request.getfixturevalue('prepared_sqlite'), folder)}"
            database = open_database(url)
            stack.callback(database.close)
            create_key(folder / "audit.key")
            return Feeds(database, Audit(database, folder / "audit.key", actor="os:anna"), turned, folder)

        yield open_


@pytest.fixture
def path_of(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str, int], Path]]:
    """Finds a catalogue by its name; of the large one `most` lines."""
    with ExitStack() as stack:

        def path(name: str, most: int) -> Path:
            if name == "bundled":
                return stack.enter_context(bundled.catalogue())
            if (EXAMPLES / name).exists():
                return EXAMPLES / name
            shared: Path = request.getfixturevalue("shared_data")
            if name != "relevance":
                return shared / "catalogues" / name
            cut = tmp_path / "relevance.csv"
            with gzip.open(shared / "relevance" / "products.csv.gz", "rb") as file:
                cut.write_bytes(b"".join(line for line, _ in zip(file, range(most), strict=False)))
            return cut

        yield path


@pytest.fixture
def feeds(database: Database, audit: Audit, turned: Clock, tmp_path: Path) -> Feeds:
    return Feeds(database, audit, turned, tmp_path)
