"""Lost connections, and passwords that stay out of every message."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

import pytest

from shopctl.storage.database import Database, open_database
from shopctl.storage.errors import DatabaseUnreachable, LockLost, NoSuchDatabase, NotADatabaseUrl

CANARY = "tr0ub4dor"


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Database]:
    found = open_database(postgres_url)
    yield found
    found.close()


def drop_connections(url: str) -> None:
    killer = open_database(url)
    with killer.unit() as unit:
        unit.tuples(
            """select pg_terminate_backend(pid, 5000) from pg_stat_activity
                where datname = current_database() and pid <> pg_backend_pid()"""
        )
    killer.close()


def test_a_connection_lost_between_units_is_made_again(postgres: Database, postgres_url: str) -> None:
    with postgres.unit() as unit:
        unit.execute("create table t (id bigint)")
    drop_connections(postgres_url)
    with postgres.unit() as unit:
        assert unit.execute("insert into t values (1)") == 1


def test_a_connection_lost_inside_a_unit_fails_it_and_the_next_one_works(postgres: Database, postgres_url: str) -> None:
    with postgres.unit() as unit:
        unit.execute("create table t (id bigint)")
    with pytest.raises(DatabaseUnreachable) as lost, postgres.unit() as unit:
        unit.execute("insert into t values (1)")
        drop_connections(postgres_url)
        unit.execute("insert into t values (2)")
    assert (lost.value.exit_code, lost.value.retryable) == (7, True)
    with postgres.read() as unit:
        assert unit.value("select count(*) from t") == 0


@pytest.mark.assure("R13")
@pytest.mark.parametrize("then", ["reads on", "reads no further", "asks again"])
def test_a_connection_lost_while_rows_are_read_is_told_in_our_words(
    postgres: Database, postgres_url: str, then: str
) -> None:
    with pytest.raises(DatabaseUnreachable), postgres.read() as unit:
        rows = unit.stream("select * from generate_series(1, 5000)")
        assert next(rows) == (1,)
        drop_connections(postgres_url)
        if then == "reads on":
            list(rows)
        elif then == "reads no further":
            rows.close()  # type: ignore[attr-defined]
        else:
            with pytest.raises(DatabaseUnreachable):
                list(rows)
            [*unit.stream("select 1")]
    with postgres.read() as unit:
        assert unit.value("select 1") == 1


def test_a_lost_connection_takes_the_exclusive_job_with_it(postgres: Database, postgres_url: str) -> None:
    with pytest.raises(LockLost, match="job"), postgres.exclusive("job"):
        drop_connections(postgres_url)
        for _ in range(2):
            with postgres.unit():
                pytest.fail("a unit began without the lock it relies on")
    with postgres.exclusive("job"):
        pass


def test_a_database_that_is_not_there_is_named(postgres_url: str) -> None:
    missing = open_database(postgres_url.replace("/shop_", "/no_shop_"))
    assert not missing.exists()
    with pytest.raises(NoSuchDatabase, match="no_shop_") as refused:
        missing.create()
    assert refused.value.exit_code == 3
    assert "createdb" in refused.value.advice


@pytest.mark.assure("S18")
@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://anna:{CANARY}@127.0.0.1:1/shop",
        f"postgresql://anna:{CANARY}@/shop?host=/nowhere",
        f"postgresql://127.0.0.1:1/shop?user=anna&password={CANARY}",
        f"postgresql://127.0.0.1:1/shop?PASSWORD={CANARY}",
        f"postgresql://anna:{CANARY}%zz@127.0.0.1:1/shop",
        f"postgresql://anna:a@{CANARY}@127.0.0.1:1/shop",
        f"postgresql://anna:/{CANARY}@127.0.0.1:1/shop",
        f"postgresql://anna:?{CANARY}@127.0.0.1:1/shop",
        f"postgresql://anna:#{CANARY}@127.0.0.1:1/shop",
        f"postgresql://anna:{CANARY}@[::1/shop",
        f"postgres://anna:{CANARY}@127.0.0.1:1/shop?sslmode=nonsense",
        f"mysql://anna:{CANARY}@127.0.0.1/shop",
    ],
)
def test_a_password_never_shows(url: str) -> None:
    with pytest.raises((DatabaseUnreachable, NotADatabaseUrl)) as refused:
        open_database(url).exists()
    shown = "".join(traceback.format_exception(refused.value)) + refused.value.advice + repr(refused.value.facts)
    assert CANARY not in shown


def test_driver_options_of_the_url_hold(postgres_url: str) -> None:
    named = open_database(postgres_url + "&application_name=till%207&options=-csearch_path%3Dpg_catalog")
    with named.read() as unit:
        assert unit.value("select current_setting('application_name')") == "till 7"
        assert unit.value("select current_setting('search_path')") == "pg_catalog"
    named.close()
