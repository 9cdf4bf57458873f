"""Eventual reads of a real streaming replica: what was written here is seen at once, from wherever it can be."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from shopctl.audit.keys import create_key
from shopctl.storage import replica as reads
from shopctl.storage.database import Database, open_database
from shopctl.storage.errors import NoReplica
from shopctl.storage.migrations import upgrade
from shopctl.storage.replica import Position, ReplicaReads, number_of, text_of
from support.instances import Instances
from support.postgres import Server
from support.shop import Shop

pytestmark = pytest.mark.xdist_group("replica")


class Pair(NamedTuple):
    """A primary with a shop's schema, and a standby that streams from it."""

    primary: Server
    standby: Server

    def on_standby(self, statement: str) -> Any:
        with psycopg.connect(self.standby.url(), autocommit=True) as connection:
            return connection.execute(statement).fetchone()


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    primary = Server.create(owner=os.getpid())
    try:
        with closing(open_database(primary.url())) as database:
            upgrade(database, "shop")
        standby = Server.replica_of(primary, owner=os.getpid())
        try:
            yield Pair(primary, standby)
        finally:
            standby.remove()
    finally:
        primary.remove()


class Asked(ReplicaReads):
    """Counts where reads went."""

    went: list[str]

    def read(self) -> Any:
        found = super().read()
        self.went = [*getattr(self, "went", []), "replica" if self._has_gone_to_replica(found) else "primary"]
        return found

    def _has_gone_to_replica(self, found: Any) -> bool:
        return found.gen.gi_frame.f_locals["self"] is self._replica


class Command:
    """One command: a process's view of the shop, ended by `finish`."""

    def __init__(self, pair: Pair, folder: Path, **given: Any) -> None:
        self.database: Database = open_database(pair.primary.url())
        self.reads = Asked(
            self.database, open_database(pair.standby.url()), Position(folder / "read-position"), **given
        )
        self.instances = Instances(self.database, folder / "audit.key", reads=self.reads)

    def finish(self) -> None:
        self.instances.service.finish()
        self.database.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_key(tmp_path / "audit.key")
    return tmp_path


@pytest.fixture
def paused(pair: Pair) -> Iterator[None]:
    """The standby receives the log, and replays none of it."""
    pair.on_standby("select pg_wal_replay_pause()")
    yield
    pair.on_standby("select pg_wal_replay_resume()")


def test_what_was_written_is_read_at_once_from_the_replica(pair: Pair, folder: Path) -> None:
    writing = Command(pair, folder, wait=10)
    for number in range(20):
        made = writing.instances.create(configuration={"n": number})
        assert writing.instances.service.get(made).configuration == {"n": number}
        writing.instances.advance(made, "activate")
        assert writing.instances.listed(limit=1) == [made]
        assert writing.instances.service.show(made)["state"] == "active"
    writing.finish()
    assert writing.reads.went == ["replica"] * 60


def test_a_replica_that_lags_is_waited_for_briefly_and_then_not_asked(pair: Pair, folder: Path, paused: None) -> None:
    writing = Command(pair, folder, wait=0.2)
    made = writing.instances.create()
    began = time.monotonic()
    assert writing.instances.service.get(made).state == "created"
    assert 0.2 <= time.monotonic() - began < 2
    assert writing.reads.went == ["primary"]

    # The next command knows too, and the replica answers it once it has caught up.
    writing.finish()
    later = Command(pair, folder, wait=30)
    resumed = threading.Timer(0.3, lambda: pair.on_standby("select pg_wal_replay_resume()"))
    resumed.start()
    assert later.instances.service.get(made).id == made
    later.finish()
    resumed.join()
    assert later.reads.went == ["replica"]


def test_who_wrote_nothing_reads_what_the_replica_has(pair: Pair, folder: Path, tmp_path: Path, paused: None) -> None:
    writing = Command(pair, folder)
    made = writing.instances.create()
    writing.finish()
    (tmp_path / "elsewhere").mkdir()
    create_key(tmp_path / "elsewhere" / "audit.key")
    other = Command(pair, tmp_path / "elsewhere")
    assert made not in other.instances.listed()
    assert other.reads.went == ["replica"]
    other.finish()
    assert not (tmp_path / "elsewhere" / "read-position").exists()


def test_a_replica_that_is_gone_is_left_alone(pair: Pair, folder: Path) -> None:
    command = Command(pair, folder)
    command.reads._replica = open_database("postgresql://postgres@/postgres?host=/nowhere")
    made = command.instances.create()
    assert command.instances.service.get(made).id == made
    assert command.reads.went == ["primary"]
    asked = command.reads._left_alone_until
    assert asked > time.monotonic()
    command.instances.service.get(made)
    assert command.reads._left_alone_until == asked
    command.finish()


def test_what_is_no_replica_is_not_read(pair: Pair, folder: Path) -> None:
    command = Command(pair, folder)
    command.reads._replica = open_database(pair.primary.url())
    made = command.instances.create()
    assert command.instances.service.get(made).id == made
    assert command.reads.went == ["primary"]
    command.finish()


def test_a_replica_of_another_schema_is_not_read(pair: Pair, folder: Path) -> None:
    command = Command(pair, folder)
    with command.database.unit() as unit:
        unit.execute("update schema_version set revision = '0001'")
    _caught_up(pair)
    assert command.instances.listed(limit=1) is not None
    assert command.reads.went == ["primary"]
    with command.database.unit() as unit:
        unit.execute("update schema_version set revision = :head", head=reads.migrations.head("shop"))
    command.finish()


def test_a_position_of_another_log_is_forgotten(pair: Pair, folder: Path) -> None:
    kept = Position(folder / "read-position")
    kept.keep(number_of("FFF/0"))
    command = Command(pair, folder, wait=0.05)
    command.instances.listed(limit=1)
    command.instances.listed(limit=1)
    assert command.reads.went == ["primary", "replica"]
    assert kept.read() == 0
    command.finish()


def test_a_position_is_kept_private_and_never_goes_back(tmp_path: Path) -> None:
    position = Position(tmp_path / "read-position")
    assert position.read() == 0
    for written in ("0/1", "16/B374D848", "15/FFFFFFFF"):
        position.keep(number_of(written))
    assert text_of(position.read()) == "16/B374D848"
    assert (tmp_path / "read-position").stat().st_mode & 0o777 == 0o600
    (tmp_path / "read-position").write_text("nonsense")
    assert position.read() == 0


def test_readers_beside_a_writer_never_miss_what_they_wrote(pair: Pair, folder: Path) -> None:
    missed: list[str] = []

    def work(number: int) -> None:
        own = folder / str(number)
        own.mkdir()
        create_key(own / "audit.key")
        command = Command(pair, own, wait=0.05)
        for _ in range(15):
            made = command.instances.create(customer=f"C-{number}")
            if made not in command.instances.listed(customer=f"C-{number}"):
                missed.append(made)
        command.finish()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert missed == []


def test_commands_read_the_replica_that_the_setting_names(pair: Pair, tmp_path: Path) -> None:
    with psycopg.connect(pair.primary.url(), autocommit=True) as connection:
        connection.execute("create database commands")
    shop = Shop(tmp_path / "shop", database_url=pair.primary.url("commands")).init()
    instances = Instances(open_database(pair.primary.url("commands")), shop.folder / ".shopctl/keys/audit.key")
    made = instances.create()
    _caught_up(pair)
    pair.on_standby("select pg_wal_replay_pause()")
    try:
        instances.advance(made, "activate")
        instances.database.close()
        eventual = {"SHOPCTL_STORE__CONSISTENCY": "eventual", "SHOPCTL_READ_URL": pair.standby.url("commands")}
        assert shop.run("instance", "show", made, "-o", "json", env=eventual).json["state"] == "created"
        assert shop.run("instance", "show", made, "-o", "json").json["state"] == "active"
        no_replica = eventual | {"SHOPCTL_READ_URL": pair.primary.url("commands")}
        done = shop.run("instance", "show", made, "-o", "json", env=no_replica)
        assert done.json["state"] == "active"
        assert "replays nobody's log" in done.stderr
    finally:
        pair.on_standby("select pg_wal_replay_resume()")


@pytest.mark.parametrize("url", [None, "sqlite:////tmp/replica.db"])
def test_eventual_reads_without_a_replica_are_refused_in_one_line(shop: Shop, url: str | None) -> None:
    eventual = {"SHOPCTL_STORE__CONSISTENCY": "eventual"} | ({"SHOPCTL_READ_URL": url} if url else {})
    refused = shop.run("instance", "list", "-o", "json", env=eventual, expect=2)
    assert refused.error["code"] == NoReplica.code
    assert "store.consistency is eventual, but" in refused.error["message"]
    assert "read_url" in refused.error["hint"]
    assert len(refused.stderr.splitlines()) == 1


def _caught_up(pair: Pair) -> None:
    with psycopg.connect(pair.primary.url(), autocommit=True) as connection:
        (position,) = connection.execute("select pg_current_wal_insert_lsn()::text").fetchone() or ("",)
    for _ in range(500):
        if pair.on_standby(f"select pg_last_wal_replay_lsn() >= '{position}'")[0]:
            return
        time.sleep(0.01)
    raise AssertionError("the replica does not catch up")
