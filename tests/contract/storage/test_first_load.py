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
TABLES = ("price", "change")
PRICE = ("product_id", "currency", "amount", "list", "min_quantity", "valid_from", "valid_until")
KILLED = """
import os, signal, sys
from shopctl.storage.database import open_database
database = open_database(sys.argv[1])
with database.first_load(["price"]) as unit:
    for number in range(200_000):
        unit.execute("insert into category (path, name) values (:path, :name)", path=f"c{number}", name="x" * 500)
    print(unit.value("pragma journal_mode"), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_fails_leaves_nothing(database: Database) -> None:
    upgrade(database, "shop")
    with pytest.raises(RuntimeError), database.first_load(TABLES) as unit:
        unit.execute(CATEGORY, path="a", parent=None)
        raise RuntimeError
    with database.first_load(TABLES) as unit:
        unit.execute(CATEGORY, path="b", parent=None)

    with database.read() as unit:
        assert unit.tuples("select path from category") == [("b",)]


def test_references_are_checked_again_afterwards(database: Database) -> None:
    upgrade(database, "shop")
    with database.first_load(TABLES) as unit:
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
        with database.first_load(TABLES) as unit:
            assert unit.value("pragma journal_mode") == "wal"
            unit.execute(CATEGORY, path="a", parent=None)
    database.close()
    reader.close()


PARTS = """select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) from pg_constraint
            where connamespace = current_schema()::regnamespace
           union all select indexdef from pg_indexes where schemaname = current_schema() order by 1"""


def test_on_postgres_keys_and_references_are_made_at_the_end(database: Database) -> None:
    if database.dialect != "postgres":
        pytest.skip("SQLite checks no reference meanwhile, see above")
    upgrade(database, "shop")
    with database.read() as unit:
        before = unit.tuples(PARTS)
    with database.first_load(TABLES) as unit:
        assert not [row for row in unit.tuples(PARTS) if row[0].startswith("price ") and "KEY" in row[0]]
        unit.insert_many("price", PRICE, [])
    with database.read() as unit:
        assert unit.tuples(PARTS) == before

    with pytest.raises(ConstraintBroken), database.first_load(TABLES) as unit:
        unit.insert_many("price", PRICE, [(1, "EUR", 1, "default", 1, 0, None)])
    with database.read() as unit:
        assert unit.value("select count(*) from price") == 0
        assert unit.tuples(PARTS) == before


def test_on_postgres_somebody_who_looks_keeps_them(database: Database, database_url: str) -> None:
    if database.dialect != "postgres":
        pytest.skip("see above for SQLite")
    upgrade(database, "shop")
    reader = open_database(database_url)
    with reader.read() as looking:
        assert looking.value("select count(*) from price") == 0
        with database.first_load(TABLES) as unit:
            assert [row for row in unit.tuples(PARTS) if row[0].startswith("price ") and "KEY" in row[0]]
            assert unit.value("show lock_timeout") == "1min"
    reader.close()


NASTY = ["a\tb", "a\nb", "a\r\nb", "\\", "\\N", "\\.", "None", "", "%s", "100%", "\u2028", "😀", "\x7f"]


def test_packed_rows_are_the_rows(database: Database) -> None:
    upgrade(database, "shop")
    rows = [(f"import {number}", number, text) for number, text in enumerate(NASTY)]
    same = {"field": "\\N\t\n", "code": "%s", "message": "", "sku": "x"}
    with database.unit() as unit:
        packed = database.packed(rows, same)
        unit.insert_many("import_reject", ("import_id", "line", "row"), packed, constants=same)
        packed = database.packed([(f"many {number}", number, "plain") for number in range(1000)], same)
        unit.insert_many("import_reject", ("import_id", "line", "row"), packed, constants=same)
    with database.read() as unit:
        found = unit.tuples(
            "select import_id, line, row, field, code, message, sku from import_reject where import_id like 'import%'"
            " order by line"
        )
        assert found == [(*row, *same.values()) for row in rows]
        assert unit.value("select count(*) from import_reject where row = 'plain'") == 1000
