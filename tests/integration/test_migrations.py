"""Migrations: the schema they make, and upgrades that are killed, doubled, or run under live writes."""

from __future__ import annotations

import os
import pkgutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import shopctl
from shopctl.migrations.upgrade import FOLDER, scripts
from shopctl.migrations.upgrade import upgrade as upgrade_by
from shopctl.storage import migrations
from shopctl.storage.database import Database, open_database
from shopctl.storage.errors import (
    DatabaseMissing,
    JobLocked,
    NotEmpty,
    OtherChain,
    SchemaNewer,
    SchemaOutdated,
    StatementFailed,
)
from shopctl.storage.migrations import CHAINS, Chain, check, found, head, upgrade
from shopctl.storage.tables import AuthTable, ShopTable
from support.old_database import chain as chain_in
from support.old_database import make_old, upgrade_later
from support.postgres import fresh_database

TESTS = Path(__file__).resolve().parent.parent
METADATA: dict[Chain, sa.MetaData] = {"shop": ShopTable.metadata, "auth": AuthTable.metadata}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = open_database(database_url)
    yield made
    made.close()


@pytest.fixture
def second_url(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Iterator[str]:
    """Another fresh database of the same kind."""
    if database_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'second.db'}"
    else:
        with fresh_database(request.getfixturevalue("postgres_server")) as url:
            yield url


def engine(database: Any) -> sa.Engine:
    database.create()
    name = "sqlite://" if database.dialect == "sqlite" else "postgresql+psycopg://"
    return sa.create_engine(name, creator=database.connect, poolclass=sa.StaticPool)


def declared_metadata(chain: Chain) -> sa.MetaData:
    for module in pkgutil.walk_packages(shopctl.__path__, "shopctl."):
        if module.name.endswith(".tables") and not module.name.startswith("shopctl.cli"):
            import_module(module.name)
    return METADATA[chain]


@pytest.mark.parametrize("chain", CHAINS)
def test_the_migrated_schema_is_the_declared_one(database: Database, second_url: str, chain: Chain) -> None:
    metadata = declared_metadata(chain)
    upgrade(database, chain)
    # The databases' own words are compared: Alembic's comparison overlooks collations, `ddl_if` and much else.
    declared = open_database(second_url)
    made = engine(declared)
    with made.begin() as connection:
        metadata.create_all(connection)
    assert described(database) == described(declared)
    declared.close()


def described(database: Database) -> list[tuple[Any, ...]]:
    if database.dialect == "sqlite":
        queries = [
            """select m.name, c.name, c.type, c."notnull", c.pk from sqlite_master m, pragma_table_xinfo(m.name) c
                where m.type = 'table' order by 1, 2""",
            "select name, wr, strict from pragma_table_list where schema = 'main' order by 1",
            "select name from sqlite_master where sql like '%autoincrement%' order by 1",
            """select m.name, f."from", f."table", f."to" from sqlite_master m, pragma_foreign_key_list(m.name) f
                order by 1, 2""",
            """select i.tbl_name, i.name, i.sql, group_concat(x.name || x.coll)
                 from sqlite_master i, pragma_index_xinfo(i.name) x
                where i.type = 'index' group by 1, 2, 3 order by 1, 2""",
        ]
    else:
        queries = [
            """select table_name, column_name, data_type, is_nullable, collation_name, is_identity, identity_generation,
                      column_default
                 from information_schema.columns where table_schema = current_schema()
                  and (table_name, column_name) <> ('change', 'xid') order by 1, 2""",
            """select conrelid::regclass::text, pg_get_constraintdef(oid) from pg_constraint
                where conrelid <> 0 order by 1, 2""",
            "select tablename, indexname, indexdef from pg_indexes where schemaname = current_schema() order by 1, 2",
        ]
    with database.read() as unit:
        rows = [row for query in queries for row in unit.tuples(query)]
    return [row for row in rows if "schema_version" not in str(row[0]) and "sqlite_schema" not in str(row[0])]


def test_the_heads_are_those_of_the_files() -> None:
    for chain in CHAINS:
        revisions = [script.revision for script in scripts(FOLDER / chain)]
        assert revisions == [f"{number:04}" for number in range(1, len(revisions) + 1)]
        assert head(chain) == revisions[-1]


def test_a_schema_is_checked_without_alembic(tmp_path: Path) -> None:
    upgrade(open_database(f"sqlite:///{tmp_path / 'shop.db'}"), "shop")
    looked = (
        "import sys; from shopctl.storage.database import open_database; from shopctl.storage.migrations import check;"
        "check(open_database(sys.argv[1]), 'shop');"
        "assert not {'alembic', 'sqlalchemy', 'sqlmodel', 'psycopg'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", looked, f"sqlite:///{tmp_path / 'shop.db'}"], check=True)


def test_a_schema_that_does_not_fit_is_named_with_a_way_out(database: Database) -> None:
    if database.dialect == "sqlite":
        with pytest.raises(DatabaseMissing):
            check(database, "shop")
        database.create()
    else:
        with pytest.raises(SchemaOutdated, match="none"):
            check(database, "shop")
    upgrade(database, "shop")
    check(database, "shop")
    with pytest.raises(OtherChain, match="shop database, not the auth"):
        check(database, "auth")
    with pytest.raises(OtherChain):
        upgrade(database, "auth")

    with database.unit() as unit:
        unit.execute("update schema_version set revision = '0000'")
    with pytest.raises(SchemaOutdated, match="0000") as outdated:
        check(database, "shop")
    assert (outdated.value.exit_code, "shopctl db upgrade" in outdated.value.advice) == (5, True)

    with database.unit() as unit:
        unit.execute("update schema_version set revision = '9999'")
    for refused in (lambda: check(database, "shop"), lambda: upgrade(database, "shop")):
        with pytest.raises(SchemaNewer, match="9999"):
            refused()
    with database.unit() as unit:
        unit.execute("delete from schema_version")
    with pytest.raises(SchemaOutdated):
        check(database, "shop")


def test_an_empty_or_foreign_database_is_told_apart(database: Database) -> None:
    database.create()
    with pytest.raises(SchemaOutdated):
        check(database, "shop")
    with database.unit() as unit:
        unit.execute("create table ledger (id bigint)")
    with pytest.raises(SchemaOutdated):
        check(database, "shop")
    with pytest.raises(NotEmpty, match="ledger"):
        upgrade(database, "shop")
    with database.read() as unit:
        assert unit.tables() == ["ledger"]


def test_a_second_upgrade_changes_nothing(database: Database) -> None:
    assert upgrade(database, "shop").ran == migrations.revisions("shop")
    with database.read() as unit:
        before = unit.tuples("select * from schema_version")
    assert upgrade(database, "shop") == migrations.Upgrade(head("shop"), head("shop"), ())
    with database.read() as unit:
        assert unit.tuples("select * from schema_version") == before


# -- R19: an old database with rows in it


def old(url: str, folder: Path, rows: int) -> Database:
    make_old(url, folder, rows)
    return open_database(url)


def assert_whole(database: Database, rows: int) -> None:
    """The later schema, every row in it, nothing of a half-made step left."""
    assert found(database, "shop") == "0003"
    with database.read() as unit:
        assert unit.value("select count(*) from product where rating = length(name)") == rows
        assert unit.value("select count(*) from badge b join product p on p.id = b.product_id") == rows
        assert unit.value("select count(*) from stock_movement where referred_to = 'count ' || product_id") == rows
        assert unit.value("select count(*) from price") == rows
        assert [name for name in unit.tables() if "tmp" in name] == []


def run_upgrade(url: str, folder: Path, kill_before: int = 0) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "support.old_database", url, str(folder), str(kill_before)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        timeout=600,
    )


@pytest.mark.assure("R19")
def test_an_upgrade_killed_before_any_statement_is_completed_by_the_next(
    request: pytest.FixtureRequest, tmp_path: Path, scale: Callable[[int, int], int], database_url: str
) -> None:
    rows, stride = scale(300, 100_000), scale(7, 1)
    killed, at, states = 0, 1, set()
    while True:
        url, folder = database_url, tmp_path
        database = open_database(url)
        if at > 1:
            with database.unit() as unit:
                clear(unit)
        database.close()
        make_old(url, folder, rows)
        ended = run_upgrade(url, folder, at)
        if ended.returncode == 0:
            break
        assert ended.returncode == -9, ended.stderr
        killed += 1
        database = open_database(url)
        revision = found(database, "shop")
        states.add(revision)
        assert revision in ("0001", "0002", "0003")
        with database.read() as unit:
            # A step is whole or was never begun.
            columns = (
                "rating" in str(columns_of(unit, "product")),
                "referred_to" in str(columns_of(unit, "stock_movement")),
            )
            assert columns == (revision >= "0002",) * 2
            assert ("badge" in unit.tables()) == (revision >= "0003")
        upgrade_later(database, folder)
        assert_whole(database, rows)
        database.close()
        at += stride
    assert killed >= 30 // stride
    assert states >= {"0001", "0002"}


def columns_of(unit: Any, table: str) -> list[tuple[Any, ...]]:
    if unit.dialect == "sqlite":
        return list(unit.tuples(f"select name from pragma_table_info('{table}')"))
    return list(
        unit.tuples("select column_name from information_schema.columns where table_name = :table", table=table)
    )


def clear(unit: Any) -> None:
    if unit.dialect == "postgres":
        unit.execute("drop schema public cascade")
        unit.execute("create schema public")
        return
    unit.execute("pragma defer_foreign_keys = on")
    for table in reversed(unit.tables()):
        unit.execute(f"drop table {table}")


@pytest.mark.assure("R19")
def test_two_upgrades_at_once_take_turns(database_url: str, tmp_path: Path, scale: Callable[[int, int], int]) -> None:
    rows = scale(2_000, 100_000)
    database = old(database_url, tmp_path, rows)
    chain_in(tmp_path / "later", later=True)  # before they start: they would copy its files on top of each other
    upgrades = [
        subprocess.Popen(
            [sys.executable, "-m", "support.old_database", database_url, str(tmp_path), "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(TESTS)},
        )
        for _ in range(3)
    ]
    ended = [process.communicate(timeout=300) for process in upgrades]
    assert [error for _, error in ended if error] == []
    assert sorted(said.strip() for said, _ in ended) == ["('0002', '0003')", "()", "()"]
    assert_whole(database, rows)


@pytest.mark.assure("R19")
def test_an_upgrade_that_may_not_wait_says_who_is_at_it(database: Database, database_url: str, tmp_path: Path) -> None:
    make_old(database_url, tmp_path, 10)
    other = open_database(database_url)
    with other.exclusive("shop.upgrade"), pytest.raises(JobLocked, match=r"shop\.upgrade") as refused:
        upgrade_later(database, tmp_path, wait=0.2)
    assert refused.value.exit_code == 11
    other.close()


@pytest.mark.assure("R19")
def test_an_upgrade_under_live_writes_loses_none_of_them(
    database_url: str, tmp_path: Path, scale: Callable[[int, int], int], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = scale(5_000, 100_000)
    database = old(database_url, tmp_path, rows)
    stop, written, longest, failures = threading.Event(), [0, 0], [0.0], []

    def write(number: int) -> None:
        own = open_database(database_url)
        try:
            while not stop.is_set():
                began = time.monotonic()
                with own.unit() as unit:
                    assert unit.execute("update product set version = version + 1 where id = :id", id=number + 1) == 1
                written[number] += 1
                longest[0] = max(longest[0], time.monotonic() - began)
        except Exception as failure:
            failures.append(failure)
        finally:
            own.close()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for writer in writers:
        writer.start()
    time.sleep(0.3)
    before = list(written)
    began = time.monotonic()
    upgrade_later(database, tmp_path)
    took = time.monotonic() - began
    during = sum(written) - sum(before)
    time.sleep(0.3)
    stop.set()
    for writer in writers:
        writer.join()

    assert failures == []
    assert during > 0
    assert_whole(database, rows)
    with database.read() as unit:
        versions = [version for (version,) in unit.tuples("select version from product where id <= 2 order by id")]
    assert versions == [1 + count for count in written]
    with capsys.disabled():
        kind = database.dialect
        print(f"\n{kind}: {rows} rows upgraded in {took:.2f} s, {during} writes meanwhile, longest {longest[0]:.2f} s")


@pytest.mark.assure("R19")
def test_an_upgrade_steps_back_for_a_long_reader_and_comes_again(postgres_url: str, tmp_path: Path) -> None:
    database = old(postgres_url, tmp_path, 100)
    reader, other = open_database(postgres_url), open_database(postgres_url)
    with reader.read() as unit:
        assert unit.value("select count(*) from product") == 100
        upgrading = threading.Thread(target=upgrade_later, args=(open_database(postgres_url), tmp_path))
        upgrading.start()
        waits = []
        for _ in range(6):
            began = time.monotonic()
            with other.read() as small:
                small.value("select name from product where id = 1")
            waits.append(time.monotonic() - began)
            time.sleep(0.2)
    upgrading.join()
    assert max(waits) < 2.5  # the lock time-out of an upgrade, and not the length of the long read
    assert_whole(database, 100)
    reader.close()
    other.close()


def test_a_revision_that_fails_leaves_the_one_before(database: Database, database_url: str, tmp_path: Path) -> None:
    make_old(database_url, tmp_path, 10)
    with database.unit() as unit:
        unit.execute("create table badge (id bigint)")  # in the way of 0003
    with pytest.raises(StatementFailed, match="badge"):
        upgrade_later(database, tmp_path)
    assert found(database, "shop") == "0002"
    with database.unit() as unit:
        unit.execute("drop table badge")
    assert upgrade_later(database, tmp_path).ran == ("0003",)
    assert_whole(database, 10)


def test_what_an_import_had_staged_outlives_the_step_to_keys_of_line_and_sku(
    database: Database, tmp_path: Path
) -> None:
    upgrade_by(database, "shop", wait=10, folder=chain_in(tmp_path / "first", later=False))
    staged = [("imp_1", 2, "A", "", b"a"), ("imp_1", 3, "B", "A", b"\x00b")]
    rejected = [("imp_1", 4, "C", "name", "name.missing", "the name is empty", "[]")]
    with database.unit() as unit:
        unit.insert_many("import_row", ("import_id", "line", "sku", "parent_sku", "row"), staged)
        unit.insert_many("import_reject", ("import_id", "line", "sku", "field", "code", "message", "row"), rejected)

    assert upgrade(database, "shop").ran[0] == "0002"

    with database.unit() as unit:
        unit.insert_many("import_row", ("import_id", "line", "sku", "parent_sku", "row"), [("imp_1", 2, "P", "", b"p")])
        rows = unit.tuples("select import_id, line, sku, parent_sku, row from import_row order by line, sku")
        assert [(*row[:4], bytes(row[4])) for row in rows] == [staged[0], ("imp_1", 2, "P", "", b"p"), staged[1]]
        assert unit.tuples("select import_id, line, sku, field, code, message, row from import_reject") == rejected
