"""An Authentication Database of its own for each test, on both engines, with keys, and a clock that tests turn."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from contract.conftest import Turned
from shopctl.audit.keys import create_key
from shopctl.audit.service import Audit
from shopctl.auth.beginning import begin
from shopctl.auth.logins import LoginService
from shopctl.auth.system import AuthSystem, Policy
from shopctl.auth.users import UserService
from shopctl.authdb.sealed import COLUMNS
from shopctl.storage.database import Database, open_database
from shopctl.storage.key_encryption import KeyEncryptionKeys, SoftwareKey
from shopctl.storage.migrations import upgrade
from shopctl.storage.sealing import Sealer
from support.postgres import fresh_database

KEK = SoftwareKey(os.urandom(32))


def keks() -> KeyEncryptionKeys:
    """What stands for the settings: the one key-encryption key of a test session."""
    return KeyEncryptionKeys(KEK)


@pytest.fixture(scope="session")
def auth_audit_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("auth-keys") / "audit.key"
    create_key(path)
    return path


def _prepare(url: str, audit_key: Path) -> None:
    with closing(open_database(url)) as database:
        if url.startswith("sqlite"):
            database.create()
        upgrade(database, "auth")
        begin(database, Audit(database, audit_key, system="auth", actor="os:test"), keks, "EdDSA")


@pytest.fixture(scope="session")
def prepared_auth_sqlite(tmp_path_factory: pytest.TempPathFactory, auth_audit_key: Path) -> Path:
    """A file with the schema, sealing keys and a signing key, made once a worker; tests get copies."""
    path = tmp_path_factory.mktemp("prepared-auth") / "auth.db"
    _prepare(f"sqlite:///{path}", auth_audit_key)
    assert not path.with_name("auth.db-wal").exists(), "the file is the whole database"
    return path


@pytest.fixture(scope="session")
def prepared_auth_postgres(postgres_server: str, auth_audit_key: Path) -> Iterator[str]:
    """The same on PostgreSQL."""
    with fresh_database(postgres_server) as url:
        _prepare(url, auth_audit_key)
        yield url


@pytest.fixture
def postgres_auth_url(postgres_server: str, prepared_auth_postgres: str) -> Iterator[str]:
    with fresh_database(postgres_server, like=prepared_auth_postgres) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def auth_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An Authentication Database as `init` leaves it; every test that takes it runs on both kinds."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("prepared_auth_sqlite"), tmp_path / "auth.db")
        return f"sqlite:///{tmp_path / 'auth.db'}"
    url: str = request.getfixturevalue("postgres_auth_url")
    return url


@pytest.fixture
def auth_database(auth_url: str) -> Iterator[Database]:
    with closing(open_database(auth_url)) as found:
        yield found


@pytest.fixture
def another_system(auth_url: str, auth_audit_key: Path, turned: Turned) -> Iterator[Callable[[], AuthSystem]]:
    """Makes a system on a connection of its own, as another process has it: for races and for cold caches."""
    opened: list[Database] = []

    def made() -> AuthSystem:
        opened.append(open_database(auth_url))
        return _system(opened[-1], auth_audit_key, turned)

    yield made
    for database in opened:
        database.close()


@pytest.fixture
def system(auth_database: Database, auth_audit_key: Path, turned: Turned) -> AuthSystem:
    """The ground of the use cases: bcrypt at its least cost, and the time of `turned`."""
    return _system(auth_database, auth_audit_key, turned)


@pytest.fixture
def users(system: AuthSystem) -> UserService:
    return UserService(system, LoginService(system))


def _system(database: Database, audit_key: Path, clock: Turned) -> AuthSystem:
    audit = Audit(database, audit_key, system="auth", actor="os:test", clock=clock)
    return AuthSystem(database, audit, clock, Sealer("auth", COLUMNS, keks), Policy(bcrypt_cost=10))
