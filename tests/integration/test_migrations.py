"""Migrations: the schema they make, and upgrades that are killed, doubled, or run under live writes."""

from __future__ import annotations

import pkgutil
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa

import shopctl
from integration.test_import_kill import spread
from shopctl.migrations.upgrade import FOLDER, scripts
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
from support.old_database import AUTH, LATER, SHOP, Way, in_child
from support.parts import FULL
from support.postgres import fresh_database

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
                  and (table_name, column_name) not in (('change', 'xid'), ('event', 'xid')) order by 1, 2""",
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

ROWS = 100_000 if FULL else 2_000
WAYS = pytest.mark.parametrize("way", [LATER, SHOP, AUTH], ids=["to come", "shop", "auth"])
KINDS = pytest.mark.parametrize("kind", ["sqlite", "postgres"])


class Old(NamedTuple):
    """Databases that an earlier release left; the folder holds the key of their trail."""

    way: Way
    folder: Path
    fresh: Callable[[], str]
    """Another one, the same as all the others."""

    def upgrade(self, url: str) -> tuple[str, ...]:
        """As `shopctl db upgrade` does it."""
        with closing(open_database(url)) as database:
            return self.way.upgrade(database, self.folder).ran

    def check(self, url: str, rows: int = ROWS) -> None:
        """The later schema, every row in it, nothing of a half-made step left."""
        with closing(open_database(url)) as database:
            assert found(database, self.way.chain) == self.way.after
            self.way.check(database, self.folder, rows)
            with database.read() as unit:
                assert [name for name in unit.tables() if "tmp" in name or "before" in name] == []


@pytest.fixture(scope="module")
def olds(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Callable[..., Old]]:
    """Makes each kind of old database once; tests work on copies."""
    made: dict[tuple[str, str, str], tuple[Path, str]] = {}
    with ExitStack() as databases:

        def old(way: Way, kind: str) -> Old:
            server = request.getfixturevalue("postgres_server") if kind == "postgres" else ""
            key = (way.chain, way.before, kind)
            if key not in made:
                folder = tmp_path_factory.mktemp("old")
                url = databases.enter_context(fresh_database(server)) if server else f"sqlite:///{folder / 'old.db'}"
                way.make(url, folder, ROWS)
                made[key] = folder, url
            folder, url = made[key]

            def fresh() -> str:
                if server:
                    return databases.enter_context(fresh_database(server, like=url))
                copy = tmp_path_factory.mktemp("copy") / "old.db"
                shutil.copy(folder / "old.db", copy)
                return f"sqlite:///{copy}"

            return Old(way, folder, fresh)

        yield old


def columns_of(database: Database) -> set[tuple[str, str]]:
    with database.read() as unit:
        if unit.dialect == "sqlite":
            sql = "select m.name, c.name from sqlite_master m, pragma_table_info(m.name) c where m.type = 'table'"
        else:
            sql = "select table_name, column_name from information_schema.columns where table_schema = current_schema()"
        return {(str(table), str(column)) for table, column in unit.tuples(sql)}


@pytest.mark.assure("R19")
@WAYS
@KINDS
def test_an_upgrade_killed_before_any_statement_is_completed_by_the_next(
    olds: Callable[..., Old], way: Way, kind: str, scale: Callable[[int, int], int]
) -> None:
    old = olds(way, kind)
    url, steps = old.fresh(), {}
    with closing(open_database(url)) as database:
        for number in range(int(way.before), int(way.after) + 1):
            way.upgrade(database, old.folder, upto=f"{number:04}")
            steps[f"{number:04}"] = columns_of(database)
    url = old.fresh()
    ended, _, statements = in_child(lambda: old.upgrade(url))
    assert ended == 0
    assert statements > 20
    old.check(url)

    states = set()
    for at in spread(statements, scale(4, 20)):
        url = old.fresh()
        ended, _, _ = in_child(lambda url=url: old.upgrade(url), at)  # type: ignore[misc]
        assert ended == -9, f"statement {at} of {statements}"
        with closing(open_database(url)) as database:
            revision = found(database, way.chain)
            states.add(revision)
            assert columns_of(database) == steps[revision], "a step is whole or was never begun"
        old.upgrade(url)
        old.check(url)
    assert way.before in states
    assert not FULL or states >= steps.keys() - {way.after}


@pytest.mark.assure("R19")
@WAYS
@KINDS
def test_several_upgrades_at_once_take_turns(olds: Callable[..., Old], way: Way, kind: str) -> None:
    old = olds(way, kind)
    url = old.fresh()
    with ThreadPoolExecutor(3) as together:
        ended = [*together.map(lambda _: in_child(lambda: old.upgrade(url)), range(3))]
    assert [code for code, _, _ in ended] == [0, 0, 0]
    steps = tuple(f"{number:04}" for number in range(int(way.before) + 1, int(way.after) + 1))
    assert sorted(answer for _, answer, _ in ended) == sorted([str(steps), "()", "()"])
    old.check(url)


@pytest.mark.assure("R19")
def test_an_upgrade_that_may_not_wait_says_who_is_at_it(database: Database, database_url: str, tmp_path: Path) -> None:
    LATER.make(database_url, tmp_path, 10)
    other = open_database(database_url)
    with other.exclusive("shop.upgrade"), pytest.raises(JobLocked, match=r"shop\.upgrade") as refused:
        LATER.upgrade(database, tmp_path, wait=0.2)
    assert refused.value.exit_code == 11
    other.close()


@pytest.mark.assure("R19")
@WAYS
@KINDS
def test_an_upgrade_under_live_writes_loses_none_of_them(
    olds: Callable[..., Old], way: Way, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    old = olds(way, kind)
    url = old.fresh()
    stop, written, longest, failures = threading.Event(), [0, 0], [0.0], []

    def write(number: int) -> None:
        own = open_database(url)
        try:
            while not stop.is_set():
                began = time.monotonic()
                way.write(own, old.folder, number)
                written[number] += 1
                longest[0] = max(longest[0], time.monotonic() - began)
        except Exception as failure:
            failures.append(failure)
        finally:
            own.close()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for writer in writers:
        writer.start()

    def all_wrote(more: int) -> list[int]:
        wanted, deadline = [count + more for count in written], time.monotonic() + 30
        while not failures and any(count < want for count, want in zip(written, wanted, strict=True)):
            assert time.monotonic() < deadline, "a writer got no turn"
            time.sleep(0.01)
        return list(written)

    try:
        before = all_wrote(5)
        began = time.monotonic()
        old.upgrade(url)
        took = time.monotonic() - began
        after = list(written)
        all_wrote(5)
    finally:
        stop.set()
        for writer in writers:
            writer.join()

    assert failures == []
    old.check(url)
    with closing(open_database(url)) as database, database.read() as unit:
        assert [way.written(unit, number) for number in range(2)] == written
    with capsys.disabled():
        during = sum(after) - sum(before)
        print(f"\n{kind}: {ROWS} rows upgraded in {took:.2f} s, {during} writes meanwhile, longest {longest[0]:.2f} s")


@pytest.mark.assure("R19")
def test_an_upgrade_steps_back_for_a_long_reader_and_comes_again(postgres_url: str, tmp_path: Path) -> None:
    LATER.make(postgres_url, tmp_path, 100)
    reader, other = open_database(postgres_url), open_database(postgres_url)
    with reader.read() as unit:
        assert unit.value("select count(*) from product") == 100
        upgrading = threading.Thread(target=LATER.upgrade, args=(open_database(postgres_url), tmp_path))
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
    with closing(open_database(postgres_url)) as database:
        LATER.check(database, tmp_path, 100)
    reader.close()
    other.close()


def test_a_revision_that_fails_leaves_the_one_before(database: Database, database_url: str, tmp_path: Path) -> None:
    LATER.make(database_url, tmp_path, 10)
    with database.unit() as unit:
        unit.execute("create table badge (id bigint)")  # in the way of 0003
    with pytest.raises(StatementFailed, match="badge"):
        LATER.upgrade(database, tmp_path)
    assert found(database, "shop") == "0002"
    with database.unit() as unit:
        unit.execute("drop table badge")
    assert LATER.upgrade(database, tmp_path).ran == ("0003",)
    LATER.check(database, tmp_path, 10)


def test_what_an_import_had_staged_outlives_the_step_to_keys_of_line_and_sku(
    database: Database, tmp_path: Path
) -> None:
    LATER.upgrade(database, tmp_path, upto="0001", wait=10)
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
