"""`shopctl db`: databases are shown, upgraded, checked, and moved from one engine to the other."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from shopctl.operations import consistency
from shopctl.operations.consistency import agreement
from shopctl.storage.database import open_database
from shopctl.storage.migrations import revisions
from support.postgres import fresh_database, on_copies
from support.shop import Shop

FEED = "".join(
    ["sku,name,price,stock,category,parent_sku,option.size\n"]
    + [f"MUG-{n},Mug number {n} “é”,{n}.50,{n},Home > Kitchen,,\n" for n in range(40)]
    + ["SHIRT,Shirt,20,,Clothes,,\n", "SHIRT-S,Shirt small,20,3,Clothes,SHIRT,S\n"]
)


def fill(shop: Shop) -> Shop:
    shop.run("catalogue", "import", "-", "--format", "csv", input=FEED)
    shop.run("catalogue", "set", "MUG-1", "name=Blue mug")
    shop.run("stock", "adjust", "MUG-2", "+5")
    return shop


@pytest.fixture(scope="module")
def first_filled(first_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop on SQLite with products of which some were changed; tests get copies."""
    return fill(first_shop.copy(tmp_path_factory.mktemp("filled") / "shop"))


@pytest.fixture(scope="module")
def first_postgres_filled(
    first_postgres_shop: Shop, tmp_path_factory: pytest.TempPathFactory, postgres_server: str
) -> Iterator[Shop]:
    """The same on PostgreSQL."""
    with on_copies(first_postgres_shop, tmp_path_factory.mktemp("filled") / "shop", postgres_server) as shop:
        yield fill(shop)


@pytest.fixture
def filled(any_shop: Shop, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    """A shop with products of which some were changed."""
    if any_shop.dialect == "sqlite":
        yield request.getfixturevalue("first_filled").copy(tmp_path / "filled")
        return
    server, first = map(request.getfixturevalue, ("postgres_server", "first_postgres_filled"))
    with on_copies(first, tmp_path / "filled", server) as shop:
        yield shop


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest, any_shop: Shop, tmp_path: Path) -> Iterator[str]:
    """An empty database of the other kind."""
    if any_shop.dialect == "postgres":
        yield f"sqlite:///{tmp_path / 'moved.db'}"
    else:
        with fresh_database(request.getfixturevalue("postgres_server")) as url:
            yield url


def url_of(shop: Shop) -> str:
    return shop.database_url or f"sqlite:///{shop.folder}/.shopctl/shop.db"


def sql(url: str, *statements: str) -> None:
    database = open_database(url)
    if database.dialect == "sqlite":
        database.connect().execute("pragma foreign_keys = off")  # type: ignore[attr-defined]
    with database.unit() as unit:
        for statement in statements:
            unit.execute(statement)
    database.close()


def test_status_names_places_schemas_sizes_and_rows(filled: Shop) -> None:
    shop, auth = filled.run("db", "status", "-o", "json").json
    assert (shop["chain"], shop["state"], shop["found"], shop["dialect"]) == (
        "shop",
        "ok",
        shop["wanted"],
        filled.dialect,
    )
    assert shop["bytes"] > 10_000
    assert shop["rows"]["product"] == 42
    assert shop["problem"] is None
    assert (auth["chain"], auth["state"]) == ("auth", "ok")
    assert [row["chain"] for row in filled.run("db", "status", "--chain", "auth", "-o", "json").json] == ["auth"]


def test_status_tells_of_a_database_that_cannot_be_used(shop: Shop) -> None:
    (shop.folder / ".shopctl/auth.db").write_bytes(b"no database" * 1000)
    shop.folder.joinpath(".shopctl/shop.db").unlink()
    told = shop.run("db", "status", "-o", "json", expect=3)
    assert told.error["code"] == "storage.database_missing"
    found = {row["chain"]: row for row in told.json}
    assert found["shop"]["state"] == "missing"
    assert "There is no database at" in found["shop"]["problem"]
    assert found["auth"]["state"] == "unusable"
    assert "not a sound database" in found["auth"]["problem"]
    assert shop.run("db", "status", "--chain", "auth", expect=12).stdout


def test_an_outdated_schema_is_refused_and_one_command_mends_it(any_shop: Shop) -> None:
    old = [
        "drop table import_reject",
        "update schema_version set revision = '0000'",
    ]
    sql(url_of(any_shop), *old)
    refused = any_shop.run("catalogue", "list", "-o", "json", expect=5)
    assert refused.error["code"] == "storage.schema_outdated"
    assert "shopctl db upgrade" in refused.error["hint"]
    pending = any_shop.run("db", "upgrade", "--dry-run", "--detailed-exitcode", "-o", "json", expect=10).json
    assert pending[0]["ran"] == list(revisions("shop"))


def test_a_newer_schema_is_refused(any_shop: Shop) -> None:
    sql(url_of(any_shop), "update schema_version set revision = '0999'")
    for verb in (("catalogue", "list"), ("db", "upgrade"), ("db", "check")):
        assert any_shop.run(*verb, "-o", "json", expect=5).error["code"] == "storage.schema_newer"
    told = any_shop.run("db", "status", "-o", "json", expect=5)
    assert (told.json[0]["state"], told.error["code"]) == ("newer", "storage.schema_newer")


def test_an_upgrade_with_nothing_to_do_says_so(any_shop: Shop) -> None:
    done = any_shop.run("db", "upgrade", "-o", "json").json
    assert [(row["chain"], row["ran"]) for row in done] == [("shop", []), ("auth", [])]
    told = any_shop.run("db", "upgrade", "--dry-run", "--detailed-exitcode").stdout.splitlines()[0]
    assert told.endswith("would run"), "a dry run has run nothing"


def test_databases_that_are_missing_are_made(shop: Shop) -> None:
    (shop.folder / ".shopctl/shop.db").unlink()
    assert shop.run("catalogue", "list", "-o", "json", expect=3).error["code"] == "storage.database_missing"
    assert shop.run("db", "upgrade", "--chain", "shop", "-o", "json").json[0]["before"] == "none"
    shop.run("catalogue", "list")


def test_without_a_shop_there_is_nothing_to_look_at(folder_without_shop: Shop) -> None:
    for verb in ("status", "check", "upgrade"):
        refused = folder_without_shop.run("db", verb, "-o", "json", expect=3)
        assert "shopctl init" in refused.error["hint"]


# -- check


def test_a_sound_shop_passes_every_check(filled: Shop) -> None:
    findings = filled.run("db", "check", "-o", "json").json
    assert {finding["state"] for finding in findings} == {"ok"}
    assert len(findings) > 12
    assert len(filled.run("db", "check", "--quick", "-o", "json").json) < len(findings)


RESERVATION = """insert into reservation (id, product_id, location, quantity, holder, state, created_at, expires_at)
                 values ('rsv_1', 2, 'default', {}, 'anna', 'held', 1, 9000000000000000)"""
DIFFERENCES = {
    "prices are not negative": "update price set amount = -1 where product_id = 3",
    "prices end after they begin": "update price set valid_until = 0 where product_id = 3",
    "stock is not negative": "update stock set on_hand = -4 where product_id = 2",
    "stock is what its last movement left": "update stock set on_hand = 77 where product_id = 3",
    "no more is reserved than lies there": RESERVATION.format(100),
    "reservations hold something": RESERVATION.format(0),
    "variants have a parent": "update product set parent_sku = 'NOBODY' where sku = 'SHIRT-S'",
    "kinds and states are known": "update product set kind = 'liquid' where id = 5",
    "every product's version is that of its last change": "update product set version = 9 where id = 5",
    "lists and attributes are JSON": "update product set tags = '[' where id = 5",
    "components are products": """update product set components = '[{"quantity":1,"sku":"NONE"}]' where id = 5""",
    "no bundle holds itself": """update product set components = '[{"quantity":1,"sku":"SHIRT"}]'
                                  where sku = 'SHIRT'""",
    "what feeds said is of a product": "update feed_record set product_id = 4711 where product_id = 5",
    "changes belong to a product": "update change set product_id = 4711 where product_id = 5",
}


def test_each_difference_is_found_and_named(filled: Shop) -> None:
    database = open_database(url_of(filled))
    for check, statement in DIFFERENCES.items():
        with database.unit(dry_run=True) as unit:
            unit.execute(statement)
            differing = {finding.check: finding for finding in agreement(unit) if finding.state == "differs"}
        assert check in differing
        assert differing[check].differing >= 1
        assert differing[check].example
    database.close()


def test_a_difference_ends_with_exit_6_and_the_name_of_the_check(filled: Shop) -> None:
    sql(url_of(filled), DIFFERENCES["stock is not negative"])
    done = filled.run("db", "check", "-o", "json", expect=6)
    assert "stock is not negative" in {row["check"] for row in json.loads(done.out) if row["state"] == "differs"}
    assert done.error["code"] == "db.differs"
    assert "stock is not negative" in done.error["message"]


def test_a_row_that_refers_to_nothing_is_found_on_sqlite(shop: Shop) -> None:
    shop.run("catalogue", "import", "-", "--format", "csv", input=FEED)
    sql(url_of(shop), "update price set product_id = 4711 where product_id = 5")
    done = shop.run("db", "check", "-o", "json", expect=6)
    wrong = [row["check"] for row in json.loads(done.out) if row["state"] == "differs"]
    assert wrong == ["references lead to rows", "prices belong to a product"]


def test_a_damaged_page_is_found(shop: Shop) -> None:
    shop.run("catalogue", "import", "-", "--format", "csv", input=FEED)
    path = shop.folder / ".shopctl/shop.db"
    database = open_database(f"sqlite:///{path}")
    database.connect().execute("pragma wal_checkpoint(truncate)")  # type: ignore[attr-defined]
    with database.read() as unit:
        page, size = (
            unit.value("select rootpage from sqlite_master where name = 'price'"),
            unit.value("pragma page_size"),
        )
    database.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * size + size // 2)
        file.write(b"\xff" * (size // 2))
    damaged = shop.run("db", "check", "-o", "json", expect=None)
    assert damaged.code in (6, 12)
    assert "Traceback" not in damaged.stderr


# -- move


def test_a_shop_moves_to_the_other_engine_and_back_without_losing_a_row(
    filled: Shop, elsewhere: str, tmp_path: Path
) -> None:
    before = filled.run("catalogue", "export", "--format", "ndjson", "--out", "-").out

    moved = filled.run("db", "move", "--to", elsewhere, "--reason", "it grew", "-o", "json").json

    assert moved["setting"] == "database_url"
    assert {table["table"]: table["rows"] for table in moved["tables"]}["product"] == 42
    there = {"SHOPCTL_DATABASE_URL": elsewhere}
    assert filled.run("catalogue", "export", "--format", "ndjson", "--out", "-", env=there).out == before
    assert {row["state"] for row in filled.run("db", "check", "-o", "json", env=there).json} == {"ok"}
    filled.run("audit", "verify", env=there)
    newest = filled.run("audit", "list", "-o", "json", env=there).json[0]
    assert (newest["action"], newest["reason"]) == ("db.move", "it grew")

    # It goes on there: numbers are not given twice, changes are seen.
    filled.run("catalogue", "set", "MUG-3", "name=Red mug", env=there)
    filled.run("stock", "adjust", "MUG-3", "+1", env=there)
    filled.run("catalogue", "import", "-", "--format", "csv", input="sku,name\nNEW-1,New\n", env=there)
    assert {row["state"] for row in filled.run("db", "check", "-o", "json", env=there).json} == {"ok"}

    back = f"sqlite:///{tmp_path / 'back.db'}"
    filled.run("db", "move", "--to", back, env=there)
    home = {"SHOPCTL_DATABASE_URL": back}
    filled.run("audit", "verify", env=home)
    export = ("catalogue", "export", "--format", "ndjson", "--out", "-")
    assert filled.run(*export, env=home).out == filled.run(*export, env=there).out
    assert {row["state"] for row in filled.run("db", "check", "-o", "json", env=home).json} == {"ok"}


def test_a_place_that_holds_rows_is_refused_and_left_alone(filled: Shop, elsewhere: str) -> None:
    filled.run("db", "move", "--to", elsewhere)
    for target in (elsewhere, url_of(filled)):
        refused = filled.run("db", "move", "--to", target, "-o", "json", expect=5)
        assert refused.error["code"] == "storage.target_not_empty"
    foreign = open_database(elsewhere)
    with foreign.read() as unit:
        assert unit.value("select count(*) from product") == 42
    foreign.close()


def test_the_authentication_database_moves_too(any_shop: Shop, elsewhere: str) -> None:
    moved = any_shop.run("db", "move", "--chain", "auth", "--to", elsewhere, "-o", "json").json
    assert moved["setting"] == "auth_database_url"
    status = any_shop.run("db", "status", "--chain", "auth", "-o", "json", env={"SHOPCTL_AUTH_DATABASE_URL": elsewhere})
    assert status.json[0]["state"] == "ok"
    wrong = any_shop.run("catalogue", "list", "-o", "json", env={"SHOPCTL_DATABASE_URL": elsewhere}, expect=5)
    assert wrong.error["code"] == "storage.other_chain"


def test_a_move_that_is_killed_leaves_an_empty_place_and_can_be_repeated(
    filled: Shop, elsewhere: str, scale: Callable[[int, int], int]
) -> None:
    filled.run("catalogue", "import", "-", "--format", "csv", input=_many(scale(4_000, 100_000)))
    killed, rows = 0, 42 + scale(4_000, 100_000)
    for number in range(scale(6, 30)):
        moving = filled.start("db", "move", "--to", elsewhere)
        begun = time.monotonic()
        while _rows(elsewhere) is None and moving.poll() is None and time.monotonic() < begun + 60:
            time.sleep(0.02)
        time.sleep(0.2 * number)
        killed += moving.poll() is None
        moving.send_signal(signal.SIGKILL)
        moving.communicate()
        assert _rows(elsewhere) in (0, rows)
        if _rows(elsewhere):
            break
    assert killed >= 1
    if not _rows(elsewhere):
        filled.run("db", "move", "--to", elsewhere)
    assert _rows(elsewhere) == rows
    assert {
        row["state"] for row in filled.run("db", "check", "-o", "json", env={"SHOPCTL_DATABASE_URL": elsewhere}).json
    } == {"ok"}


def test_a_secret_in_the_target_is_warned_of_and_never_shown(shop: Shop) -> None:
    refused = shop.run("db", "move", "--to", "postgresql://anna:tr0ub4dor@127.0.0.1:1/shop", expect=7)
    assert "can be seen by others" in refused.stderr
    assert "tr0ub4dor" not in refused.stdout + refused.stderr


def _many(rows: int) -> str:
    return "sku,name,price\n" + "".join(f"BULK-{n},Bulk product number {n},1.00\n" for n in range(rows))


def _rows(url: str) -> int | None:
    """How many products are there; None while there is no table for them."""
    with closing(open_database(url)) as database:
        if not database.exists():
            return None
        with database.read() as unit:
            return unit.value("select count(*) from product") if "product" in unit.tables() else None


def test_no_check_walks_through_all_products_for_every_row() -> None:
    """PostgreSQL turns `not in (select …)` into that as soon as the list outgrows its working memory."""
    for rule in (*consistency._PRODUCTS, *consistency._BUNDLES):
        assert "not in (select" not in rule.sql, rule.check
