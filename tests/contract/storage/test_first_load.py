"""A first load is a unit like any other to those who look: whole or nothing, and afterwards all is as before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shopctl.storage.database import Database, open_database
from shopctl.storage.errors import ConstraintBroken
from shopctl.storage.migrations import upgrade

CATEGORY = "insert into category (path, parent, name) values (:path, :parent, 'x')"
KILLED = """
import os, signal, sys
from shopctl.storage.database import open_database
database = open_database(sys.argv[1])
with database.first_load() as unit:
    for number in range(200_000):
        unit.execute("insert into category (path, name) values (:path, :name)", path=f"c{number}", name="x" * 500)
    print(unit.value("pragma journal_mode"), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_fails_leaves_nothing(database: Database) -> None:
    upgrade(database, "shop")
    with pytest.raises(RuntimeError), database.first_load() as unit:
        unit.execute(CATEGORY, path="a", parent=None)
        raise RuntimeError
    with database.first_load() as unit:
        unit.execute(CATEGORY, path="b", parent=None)

    with database.read() as unit:
        assert unit.tuples("select path from category") == [("b",)]


def test_references_are_checked_again_afterwards(database: Database) -> None:
    upgrade(database, "shop")
    with database.first_load() as unit:
        unit.execute(CATEGORY, path="a", parent=None)
    with pytest.raises(ConstraintBroken), database.unit() as unit:
        unit.execute(CATEGORY, path="b", parent="nobody")


def test_a_killed_one_is_taken_back_and_the_log_returns(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shop.db"
    database = open_database(url)
    upgrade(database, "shop")
    database.close()
    done = subprocess.run([sys.executable, "-c", KILLED, url], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "delete\n")
    assert os.path.getsize(tmp_path / "shop.db-journal")

    with database.read() as unit:
        assert unit.value("select count(*) from category") == 0
        assert unit.value("pragma journal_mode") == "wal"
    database.close()


def test_another_process_that_looks_keeps_the_log(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shop.db"
    database, reader = open_database(url), open_database(url)
    upgrade(database, "shop")
    with reader.read() as looking:
        assert looking.value("select count(*) from category") == 0
        with database.first_load() as unit:
            assert unit.value("pragma journal_mode") == "wal"
            unit.execute(CATEGORY, path="a", parent=None)
    database.close()
    reader.close()
