"""One database out of a backup again: as it was, all at once, or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from shopctl.migrations.upgrade import FOLDER
from shopctl.migrations.upgrade import upgrade as upgrade_by
from shopctl.storage import migrations
from shopctl.storage.backup.checks import check_of
from shopctl.storage.backup.copies import copied, namespace_of, restored
from shopctl.storage.backup.errors import BackupDamaged, OtherNamespace
from shopctl.storage.backup.manifest import DatabaseCopy, Head
from shopctl.storage.database import Database, open_database
from shopctl.storage.errors import NotEmpty, OtherChain
from shopctl.storage.table_sums import TableSum, table_sums

INSERT = "insert into category (path, name) values (:path, :name)"


class Packed(NamedTuple):
    """A database in a backup."""

    copy: DatabaseCopy
    content: bytes

    def pieces(self) -> Iterator[bytes]:
        return (self.content[at : at + 5000] for at in range(0, len(self.content), 5000))


def packed(database: Database, url: str, folder: Path) -> Packed:
    schema = migrations.found(database, "shop")
    with database.read() as unit:
        head = Head(None, 0, "", 0)
        copy = DatabaseCopy("shop", unit.dialect, schema, 0, namespace_of(unit), table_sums(unit), head)
        with copied(unit, database, url, pg_dump=None, aside=str(folder)) as source:
            return Packed(copy, b"".join(source))


def add(database: Database, *paths: str) -> None:
    with database.unit() as unit:
        for path in paths:
            unit.execute(INSERT, path=path, name="x'y\\\n\t;")


def paths(database: Database) -> list[str]:
    with database.read() as unit:
        return [path for (path,) in unit.tuples("select path from category order by path")]


def test_a_copy_is_of_its_snapshot_whatever_others_write_meanwhile(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    add(database, "a", "b")
    with closing(open_database(database_url)) as writer, database.read() as unit:
        sums = table_sums(unit)
        add(writer, "c")
        with copied(unit, database, database_url, pg_dump=None, aside=str(tmp_path)) as source:
            add(writer, "d")
            content = b"".join(source)
        copy = DatabaseCopy(
            "shop", unit.dialect, migrations.head("shop"), 0, namespace_of(unit), sums, Head(None, 0, "", 0)
        )
    with restored(database, copy, [content], check_of(copy, "it")):
        pass
    assert paths(database) == ["a", "b"]


def test_nobody_sees_a_restore_before_its_end_and_then_all_do(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    add(database, "a")
    kept = packed(database, database_url, tmp_path)
    add(database, "b")
    with closing(open_database(database_url)) as reader:
        if database.dialect == "sqlite":
            assert paths(reader) == ["a", "b"]  # it has the file open
        with restored(database, kept.copy, kept.pieces(), check_of(kept.copy, "it")) as unit:
            unit.execute(INSERT, path="c", name="c")
            if database.dialect == "sqlite":  # PostgreSQL's readers wait for the tables
                assert paths(reader) == ["a", "b"]
        assert paths(reader) == paths(database) == ["a", "c"]
        add(reader, "d")
        assert paths(database) == ["a", "c", "d"]


@pytest.mark.parametrize("where", ["in the middle", "at the check", "at the end"])
def test_what_fails_on_the_way_leaves_the_database_as_it_was(
    database: Database, database_url: str, tmp_path: Path, where: str
) -> None:
    add(database, "a")
    kept = packed(database, database_url, tmp_path)
    add(database, "b")
    with database.read() as unit:
        before = table_sums(unit)

    def broken() -> Iterator[bytes]:
        yield from list(kept.pieces())[:-1]
        if where == "in the middle":
            raise BackupDamaged(path="it", reason="it ends")
        yield list(kept.pieces())[-1]

    lying = kept.copy._replace(tables={**kept.copy.tables, "category": TableSum(2, "0" * 32)})
    check = check_of(lying if where == "at the check" else kept.copy, "it")
    with pytest.raises((BackupDamaged, KeyError)), restored(database, kept.copy, broken(), check):
        if where == "at the end":
            raise KeyError

    with database.read() as unit:
        assert table_sums(unit) == before
    assert not [path for path in tmp_path.iterdir() if "restoring" in path.name or "copy" in path.name]
    add(database, "c")


def test_an_older_schema_is_upgraded_on_the_way(postgres_url: str, tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path / 'old.db'}", postgres_url):
        with closing(open_database(url)) as database:
            older = tmp_path / "older"
            shutil.rmtree(older, ignore_errors=True)
            shutil.copytree(FOLDER / "shop", older, ignore=shutil.ignore_patterns("000[6-9]*", "001*", "__pycache__"))
            upgrade_by(database, "shop", wait=0, folder=older)
            add(database, "a")
            kept = packed(database, url, tmp_path)
            assert kept.copy.schema < migrations.head("shop")
            migrations.upgrade(database, "shop")
            with restored(database, kept.copy, kept.pieces(), check_of(kept.copy, "it")) as unit:
                assert unit.value("select count(*) from operating_mark") == 0
            migrations.check(database, "shop")
            assert paths(database) == ["a"]


def test_numbers_go_on_where_they_were(database: Database, database_url: str, tmp_path: Path) -> None:
    insert = """insert into audit_entry (at, actor, action, request_id, changed, facts, key_id, mac)
                values (1, 'a', 'b', 'c', 1, '{}', 'k', 'm') returning id"""
    with database.unit() as unit:
        first = [unit.value(insert) for _ in range(3)]
        unit.execute("delete from audit_entry where id = :id", id=first[-1])
    kept = packed(database, database_url, tmp_path)
    with restored(database, kept.copy, kept.pieces(), check_of(kept.copy, "it")) as unit:
        assert unit.value(insert) > first[-1]


def test_changes_of_another_server_are_seen(postgres_shop_url: str, tmp_path: Path) -> None:
    with closing(open_database(postgres_shop_url)) as database:
        with database.unit() as unit:
            unit.execute(
                """insert into change (product_id, version, at, actor, kind, xid)
                   values (1, 1, 1, 'a', 'create', 900000000000000)"""
            )
        kept = packed(database, postgres_shop_url, tmp_path)
        with restored(database, kept.copy, kept.pieces(), check_of(kept.copy, "it")):
            pass
        with database.read() as unit:
            horizon = unit.value("select cast(cast(pg_snapshot_xmin(pg_current_snapshot()) as text) as bigint)")
            assert unit.value("select max(xid) from change") < horizon


def test_tables_that_are_not_ours_are_never_dropped(postgres_shop_url: str, postgres_url: str, tmp_path: Path) -> None:
    with closing(open_database(postgres_shop_url)) as database:
        kept = packed(database, postgres_shop_url, tmp_path)
    with closing(open_database(postgres_url)) as other:
        with other.unit() as unit:
            unit.execute("create table theirs (id bigint)")
        with pytest.raises(NotEmpty), restored(other, kept.copy, kept.pieces(), check_of(kept.copy, "it")):
            pass
        with other.unit() as unit:
            assert unit.tables() == ["theirs"]
            unit.execute("drop table theirs")
        migrations.upgrade(other, "auth")
        with pytest.raises(OtherChain), restored(other, kept.copy, kept.pieces(), check_of(kept.copy, "it")):
            pass
        elsewhere = kept.copy._replace(namespace="another")
        with pytest.raises(OtherNamespace), restored(other, elsewhere, kept.pieces(), check_of(kept.copy, "it")):
            pass
        migrations.check(other, "auth")
