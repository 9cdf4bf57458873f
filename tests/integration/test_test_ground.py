"""The ground under the tests: both databases are real, fresh and alike for every worker."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil
import psycopg
import pytest

from support.postgres import Server, with_database
from support.shop import Shop


@pytest.mark.parametrize("turn", range(3))
def test_every_test_gets_an_empty_database(postgres_url: str, turn: int) -> None:
    with psycopg.connect(postgres_url) as connection:
        tables = connection.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone()
        connection.execute("create table mine (id bigint)")

    assert tables == (0,)


def test_the_database_is_named_in_the_url_and_the_rest_stays() -> None:
    assert with_database("postgresql://a:b@h:1/postgres?x=1", "shop") == "postgresql://a:b@h:1/shop?x=1"
    assert with_database("postgresql://postgres@/postgres?host=/tmp/x", "s") == "postgresql://postgres@/s?host=/tmp/x"


def test_a_server_ends_with_the_process_that_owns_it() -> None:
    owner = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    server = Server.create(owner=owner.pid)
    try:
        postmaster = int((server.data / "postmaster.pid").read_text().splitlines()[0])
        owner.kill()
        owner.wait()
        deadline = time.monotonic() + 20
        while server.folder.exists() and time.monotonic() < deadline:
            time.sleep(0.1)

        assert not server.folder.exists()
        # A zombie has ended; it only waits for a parent that asks.
        assert not psutil.pid_exists(postmaster) or psutil.Process(postmaster).status() == psutil.STATUS_ZOMBIE
    finally:
        owner.kill()
        if server.folder.exists():
            server.remove()


def test_a_shop_is_made_on_both_databases_in_an_environment_of_its_own(any_shop: Shop) -> None:
    settings = (any_shop.folder / "shopctl.toml").read_text()

    assert ("postgresql://" in settings) == (any_shop.dialect == "postgres")
    assert any_shop.run("config", "path", "-o", "json").code == 0
    assert any_shop.run("no-such-noun", "-o", "json", expect=2).error["exit_code"] == 2
