"""What a unit promises, on both databases."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from shopctl.storage.database import Database, open_database
from shopctl.storage.errors import ConstraintBroken, StatementFailed, TextInvalid, UnitOpen
from shopctl.storage.unit import Unit


class Node(NamedTuple):
    path: str
    name: str


def add(unit: Unit, path: str) -> int:
    return unit.execute("insert into category (path, name) values (:path, :path)", path=path)


def paths(database: Database) -> list[str]:
    with database.read() as unit:
        return [path for (path,) in unit.tuples("select path from category order by path")]


def test_a_unit_commits_at_its_end_and_rolls_back_on_any_error(database: Database) -> None:
    with database.unit() as unit:
        assert add(unit, "kept") == 1
    with pytest.raises(KeyError), database.unit() as unit:
        add(unit, "lost")
        raise KeyError
    assert paths(database) == ["kept"]


def test_a_dry_run_sees_its_own_changes_and_keeps_none(database: Database) -> None:
    with database.unit(dry_run=True) as unit:
        add(unit, "seen")
        assert unit.row(Node, "select path, name from category") == Node("seen", "seen")
    assert paths(database) == []


def test_an_error_of_the_body_passes_untouched(database: Database) -> None:
    # What a body raises for its own reasons, such as a terminal that has no such letter, says nothing of the database.
    for open_unit in (database.unit, database.read):
        with pytest.raises(UnicodeEncodeError), open_unit():
            "é".encode("ascii")
    import sqlite3

    with pytest.raises(sqlite3.OperationalError), database.read():
        sqlite3.connect(":memory:").execute("select * from nowhere")


def test_units_do_not_nest_and_the_outer_one_goes_on(database: Database, database_url: str) -> None:
    with database.unit() as unit:
        add(unit, "outer")
        for open_unit in (database.unit, database.read):
            with pytest.raises(UnitOpen), open_unit():
                pass
        add(unit, "still here")
        other = open_database(database_url, lock_wait=0.1)
        assert paths(other) == []
        other.close()
    assert paths(database) == ["outer", "still here"]


def test_a_swallowed_statement_error_cannot_end_in_a_false_success(database: Database) -> None:
    if database.dialect == "sqlite":
        pytest.skip("a refused statement of SQLite leaves its transaction whole")
    with pytest.raises(StatementFailed), database.unit() as unit:
        add(unit, "lost")
        with pytest.raises(ConstraintBroken):
            add(unit, "lost")
    assert paths(database) == []


def test_a_broken_statement_is_ours_and_the_database_goes_on(database: Database) -> None:
    with pytest.raises(StatementFailed, match="nowhere"), database.read() as unit:
        unit.tuples("select * from nowhere")
    with pytest.raises(ConstraintBroken), database.unit() as unit:
        unit.execute("insert into category (path, parent, name) values ('x', 'no such parent', 'x')")
        unit.execute("set constraints all immediate" if unit.dialect == "postgres" else "select 1")
    assert paths(database) == []


def test_a_read_sees_one_state_and_blocks_nobody(database: Database, database_url: str) -> None:
    other = open_database(database_url)
    with database.read() as unit:
        assert unit.value("select count(*) from category") == 0
        with other.unit() as writer:
            add(writer, "new")
        assert unit.value("select count(*) from category") == 0
    assert paths(database) == ["new"]
    other.close()


def test_a_read_cannot_write_on_postgres(database: Database) -> None:
    from shopctl.storage.errors import DatabaseReadOnly

    if database.dialect == "sqlite":
        with database.read() as unit:
            add(unit, "lost")
    else:
        with pytest.raises(DatabaseReadOnly), database.read() as unit:
            add(unit, "lost")
    assert paths(database) == []


def test_a_stream_reads_on_while_others_are_read_and_ends_early_without_harm(database: Database) -> None:
    with database.unit() as unit:
        unit.insert_many("category", ("path", "name"), ((f"{n:05}", "x") for n in range(5000)))
        for seen, (path,) in enumerate(unit.stream("select path from category order by path"), 1):
            assert unit.value("select name from category where path = :path", path=path) == "x"
            if seen == 2500:
                break
    assert len(paths(database)) == 5000


def test_arrays_travel_as_json(database: Database) -> None:
    with database.read() as unit:
        found = unit.tuples(f"select cast(each.value as bigint) from {unit.each('ids')} order by 1", ids="[3, 1, 2]")
    assert found == [(1,), (2,), (3,)]


def test_text_sorts_by_its_bytes(database: Database) -> None:
    with database.unit() as unit:
        for path in ("é", "b", "A", "a", "Z", "_", "あ"):
            add(unit, path)
    assert paths(database) == sorted(["é", "b", "A", "a", "Z", "_", "あ"], key=str.encode)


def test_numbers_have_64_bits(database: Database) -> None:
    big = 2**63 - 1
    with database.unit() as unit:
        unit.execute("insert into lease (name, holder, fence, expires_at) values ('x', 'x', :big, :big)", big=big)
        assert unit.value("select fence from lease") == big


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_text_that_no_database_can_keep_is_refused(database: Database, text: str) -> None:
    with pytest.raises(TextInvalid), database.unit() as unit:
        add(unit, text)
    with pytest.raises(TextInvalid), database.read() as unit:
        unit.value("select name from category where path = :path", path=text)
    assert paths(database) == []


def test_bulk_rows_with_a_lone_surrogate_are_refused(database: Database) -> None:
    with pytest.raises(TextInvalid), database.unit() as unit:
        unit.insert_many("category", ("path", "name"), [("fine", "fine"), ("\ud800", "x")])
    with pytest.raises(TextInvalid), database.unit() as unit:
        unit.execute_many("insert into category (path, name) values (:path, 'x')", [{"path": "\ud800"}])
    assert paths(database) == []


def test_sql_keeps_its_quotes_casts_and_percent_signs(database: Database) -> None:
    with database.unit() as unit:
        add(unit, "100%")
        found = unit.tuples(
            "select path, ':name', 'it''s %', cast(:n as bigint) from category where path like '%0\\%' escape '\\'", n=7
        )
    assert found == [("100%", ":name", "it's %", 7)]


def test_a_change_carries_its_transaction_on_postgres(database: Database) -> None:
    with database.unit() as unit:
        unit.execute("insert into change (product_id, kind, at, version, actor) values (1, 'create', 1, 1, 'os:anna')")
        current = unit.value("select pg_current_xact_id()::text::bigint") if unit.dialect == "postgres" else None
        assert unit.row(Node, "select id, xid from change") == (1, current)
