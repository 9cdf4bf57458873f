"""PostgreSQL crashes again and again under writers: what was acknowledged is there once, and nothing is half done."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest

from shopctl.audit.service import Audit
from shopctl.auth.errors import InvalidGrant
from shopctl.auth.keys import KeyService
from shopctl.auth.logins import LoginService
from shopctl.auth.roles import RoleService
from shopctl.auth.system import AuthSystem, Policy
from shopctl.auth.tokens import Tokens, TokenService
from shopctl.auth.users import UserService
from shopctl.auth.verifying import VerificationService
from shopctl.authdb.errors import NameTaken
from shopctl.authdb.sealed import COLUMNS
from shopctl.kernel.clock import Clock
from shopctl.kernel.errors import ShopctlError
from shopctl.storage.database import open_database
from shopctl.storage.key_encryption import key_encryption_keys
from shopctl.storage.sealing import Sealer
from support.auth_soundness import half_done
from support.forked import command
from support.postgres import Server
from support.shop import Shop

PASSWORD = "violet tractor umbrella 77"
WRITERS = 4
Answer = TypeVar("Answer")


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of its own that keeps what it acknowledged."""
    made = Server.create(owner=os.getpid(), durable=True)
    yield made
    made.remove()


@pytest.fixture
def crashing_shop(server: Server, tmp_path: Path) -> Shop:
    """A shop whose users are on that server."""
    return Shop(tmp_path / "shop", auth_database_url=server.url()).init()


def system_of(shop: Shop) -> AuthSystem:
    keys = shop.folder / ".shopctl/keys"
    database = open_database(shop.auth_database_url or "")
    sealer = Sealer("auth", COLUMNS, lambda: key_encryption_keys(f"file:{keys / 'auth.kek'}"))
    audit = Audit(database, keys / "audit.key", system="auth")
    return AuthSystem(database, audit, Clock(), sealer, Policy(bcrypt_cost=10))


class Writer:
    """One client: does the same again and again until it is told to stop, and notes what was acknowledged."""

    def __init__(self, shop: Shop, number: int, notes: Path) -> None:
        self.system = system_of(shop)
        logins = LoginService(self.system)
        self.users, self.tokens = UserService(self.system, logins), TokenService(self.system, logins)
        self.number = number
        self.notes = notes.open("a", buffering=1)

    def run(self, stop: Any) -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            name = f"user-{self.number}-{turn}"
            try:
                self.retried(partial(self.users.add_person, name, PASSWORD, email=None, roles=["clerk"]))
            except NameTaken:
                assert self.doubtful, "taken, though nobody had added it"
            self.note("user", name)
            self.retried(partial(self.users.grant, name, ["audit:read"], roles=["auditor"]))
            self.note("grant", name)
            issued = self.logged_in(name, turn)
            for _ in range(2):
                try:
                    issued = self.retried(partial(self.tokens.refresh, issued.refresh_token or ""))
                except InvalidGrant:
                    # It was done, and the answer was lost: as with any token endpoint one logs in again.
                    assert self.doubtful, "used up, though nobody had used it"
                    issued = self.logged_in(name, turn)
                self.note("refreshed", issued.access_token)
            if self.number == 0:
                self.retried(KeyService(self.system).rotate)
                self.note("rotated", turn)
            self.system.audit.finish()
        self.system.database.close()

    def logged_in(self, name: str, turn: int) -> Tokens:
        place = f"place {self.number} {turn}"
        issued = self.retried(lambda: self.tokens.issue_to_user(name, PASSWORD, source=place))
        self.note("issued", issued.access_token)
        return issued

    def retried(self, work: Callable[[], Answer]) -> Answer:
        """Do it until it is acknowledged; every refusal must be one clear line that says that a retry is right."""
        self.doubtful = False
        while True:
            try:
                return work()
            except ShopctlError as error:
                if (error.retryable, error.exit_code, "\n" in error.message) != (True, 7, False):
                    raise
                self.doubtful = True
                self.note("refused", error.message)
                time.sleep(0.05)

    def note(self, what: str, value: object) -> None:
        self.notes.write(json.dumps([what, value]) + "\n")


def write(shop: Shop, number: int, notes: Path, stop: Any) -> None:
    writer = Writer(shop, number, notes)
    try:
        writer.run(stop)
    except BaseException:
        writer.note("failed", traceback.format_exc())
        raise


def noted(files: list[Path]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for file in files:
        for line in file.read_text().splitlines() if file.exists() else ():
            what, value = json.loads(line)
            found.setdefault(what, []).append(value)
    return found


def logins(files: list[Path]) -> list[int]:
    """How often each writer was given a token so far."""
    return [file.read_text().count('"issued"') if file.exists() else 0 for file in files]


@pytest.mark.assure("R13")
def test_what_was_acknowledged_survives_every_crash_and_is_there_once(
    server: Server,
    crashing_shop: Shop,
    tmp_path: Path,
    dice: random.Random,
    scale: Callable[[int, int], int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    system = system_of(crashing_shop)
    for role in ("clerk", "auditor"):
        RoleService(system).create(role, permissions=["stock:read"])
    system.database.close()
    fork = multiprocessing.get_context("fork")
    stop, files = fork.Event(), [tmp_path / f"notes-{number}" for number in range(WRITERS)]
    writers = [
        fork.Process(target=write, args=(crashing_shop, number, file, stop)) for number, file in enumerate(files)
    ]
    for writer in writers:
        writer.start()
    crashes = scale(4, 100)
    try:
        for _ in range(crashes):
            before, deadline = logins(files), time.monotonic() + 60
            while any(now <= then for now, then in zip(logins(files), before, strict=True)):
                assert time.monotonic() < deadline, noted(files).get("refused", [])[-3:]
                assert all(writer.is_alive() for writer in writers), noted(files).get("failed")
                time.sleep(0.02)
            time.sleep(dice.random() / 4)
            server.stop("immediate")
            time.sleep(dice.random() / 4)
            server.start()
        stop.set()
        for writer in writers:
            writer.join(60)
    finally:
        for writer in writers:
            writer.kill()

    assert noted(files).get("failed", []) == []
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    done = noted(files)
    assert len(done["refused"]) >= crashes, "nobody noticed: this run shows nothing"
    with closing(system.database) as database:
        with database.read() as unit:
            assert half_done(unit) == {}
            names = [name for (name,) in unit.tuples("select name from account")]
            granted = unit.tuples(
                "select a.name from account a join account_role r on r.account_id = a.id where r.role = 'auditor'"
            )
            jtis = [jti for (jti,) in unit.tuples("select jti from access_token")]
        assert len(names) == len(set(names))
        assert sorted(names) == sorted(done["user"]), "each was retried until it was there"
        assert sorted(name for (name,) in granted) == sorted(done["grant"])
        verification = VerificationService(system)
        acknowledged = [verification.verify(token).jti for token in (*done["issued"], *done["refreshed"])]
        assert set(acknowledged) <= set(jtis)
        system.audit.seal()
        assert system.audit.verify().ok
    with capsys.disabled():
        counts = {what: len(values) for what, values in done.items()}
        print(f"\n{crashes} crashes: {counts}, {len(jtis) - len(set(acknowledged))} tokens whose answer was lost")


@pytest.mark.assure("R13")
def test_a_command_meets_a_server_that_is_gone_in_one_line_and_works_when_it_is_back(
    server: Server, crashing_shop: Shop
) -> None:
    words = ("user", "add", "user-anna", "--service", "-o", "json")
    server.stop("immediate")

    refused = command(crashing_shop, *words)

    error = json.loads(refused.err)["error"]
    assert (refused.code, error["code"], error["retryable"]) == (7, "storage.unreachable", True)
    assert "\n" not in error["message"]
    assert len(command(crashing_shop, *words[:-2]).err.splitlines()) == 2
    server.start()
    assert command(crashing_shop, *words).code == 0
