"""Fixtures for every test: shops, databases of both kinds, shared data, and the counts of assurance rows."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import hypothesis
import pytest

from shopctl.storage.database import open_database
from shopctl.storage.migrations import upgrade
from support.memory import folder_in_memory
from support.parts import FULL
from support.postgres import Server, fresh_database, on_copies
from support.shop import Shop

ROOT = Path(__file__).resolve().parent.parent
SESSION = "SHOPCTL_TEST_SESSION"  # a folder and the process that owns it: "PID:FOLDER", for all workers of a session

hypothesis.settings.register_profile(
    "shop", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("shop")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--assure-row", metavar="ROW", help="only the tests of this row of docs/assurance.md, or `all`")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        if memory := folder_in_memory():
            os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", memory)  # where `tmp_path` lies
        os.environ[SESSION] = f"{os.getpid()}:{tempfile.mkdtemp(prefix='shopctl-tests-')}"


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and SESSION in os.environ:
        folder = Path(os.environ.pop(SESSION).partition(":")[2])
        for found in folder.glob("server-*"):
            Server(Path(found.read_text())).remove()
        shutil.rmtree(folder, ignore_errors=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = config.getoption("--assure-row")
    if not wanted:
        return
    chosen = [item for item in items if wanted in {"all", *rows_of(item)} and rows_of(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


def rows_of(item: pytest.Item) -> set[str]:
    """The rows of docs/assurance.md that a test belongs to."""
    return {row for mark in item.iter_markers("assure") for row in mark.args}


@pytest.fixture
def scale() -> Callable[[int, int], int]:
    """`scale(short, full)`: how often to try; the full count under `make assure`."""
    return lambda short, full: full if FULL else short


@pytest.fixture
def dice(request: pytest.FixtureRequest) -> random.Random:
    """Random numbers that repeat: SHOPCTL_TEST_SEED replays another run's, and a failing test shows its seed."""
    seed = os.environ.get("SHOPCTL_TEST_SEED", "1")
    request.node.add_report_section("setup", "seed", f"SHOPCTL_TEST_SEED={seed}")
    return random.Random(f"{seed}:{request.node.nodeid}")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real catalogues, judgments and attack vectors that lies beside the checkout."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no ../shared/data beside this checkout")
    return folder


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """The URL of a server whose user may create databases; each worker of a test session has one of its own.

    Readers of the change log stop below the oldest transaction of the whole server, be it another worker's.
    """
    if url := os.environ.get("SHOPCTL_TEST_POSTGRES"):
        return url
    owner, _, name = os.environ[SESSION].partition(":")
    found = Path(name) / f"server-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    server = Server.create(owner=int(owner))
    found.write_text(str(server.folder))
    return server.url()


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """A fresh, empty PostgreSQL database."""
    with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def prepared_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the shop's schema and no row, made once a worker; tests get copies."""
    path = tmp_path_factory.mktemp("prepared") / "shop.db"
    database = open_database(f"sqlite:///{path}")
    database.create()
    upgrade(database, "shop")
    database.close()
    assert not path.with_name("shop.db-wal").exists(), "the file is the whole database"
    return path


@pytest.fixture(scope="session")
def prepared_postgres(postgres_server: str) -> Iterator[str]:
    """A PostgreSQL database with the shop's schema and no row, made once a worker; tests get copies."""
    with fresh_database(postgres_server) as url:
        database = open_database(url)
        upgrade(database, "shop")
        database.close()
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh, empty database; every test that takes it runs on both kinds."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'shop.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(scope="session")
def first_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop on SQLite, made by `shopctl init` once a worker; tests get copies, since making one takes a second."""
    return Shop(tmp_path_factory.mktemp("first") / "shop").init()


@pytest.fixture(scope="session")
def first_postgres_shop(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[Shop]:
    """A shop on PostgreSQL, made by `shopctl init` once a worker; tests get copies."""
    with ExitStack() as stack:
        shop_url, auth_url = (stack.enter_context(fresh_database(postgres_server)) for _ in range(2))
        folder = tmp_path_factory.mktemp("first-postgres") / "shop"
        yield Shop(folder, database_url=shop_url, auth_database_url=auth_url).init()


@pytest.fixture
def shop(first_shop: Shop, tmp_path: Path) -> Shop:
    """A new shop on SQLite."""
    return first_shop.copy(tmp_path / "shop")


@pytest.fixture
def postgres_shop(first_postgres_shop: Shop, tmp_path: Path, postgres_server: str) -> Iterator[Shop]:
    """A new shop on PostgreSQL."""
    with on_copies(first_postgres_shop, tmp_path / "shop", postgres_server) as shop:
        yield shop


@pytest.fixture(params=["sqlite", "postgres"])
def any_shop(request: pytest.FixtureRequest) -> Shop:
    """A shop; every test that takes it runs on both databases."""
    found: Shop = request.getfixturevalue("shop" if request.param == "sqlite" else "postgres_shop")
    return found


@pytest.fixture
def folder_without_shop(tmp_path: Path) -> Shop:
    """A place to run `shopctl` in where nothing was made yet."""
    return Shop(tmp_path / "empty")
