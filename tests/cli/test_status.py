"""`shopctl status` and `shopctl doctor`."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing

import pytest

from support.shop import Shop


def test_status_shows_what_the_shop_holds(any_shop: Shop) -> None:
    feed = "sku,name,price,status\nA,Mug,3.00,active\nB,Cup,4.00,draft\nC,Pot,,retired\n"
    any_shop.run("catalogue", "import", "-", "--format", "csv", input=feed)

    found = any_shop.run("status", "-o", "json").json

    assert found["shop"] == str(any_shop.folder)
    assert [(each["chain"], each["state"]) for each in found["databases"]] == [("shop", "ok"), ("auth", "ok")]
    counts = found["catalogue"]
    assert {name: counts[name] for name in ("products", "active", "draft", "retired", "prices")} == {
        "products": 3,
        "active": 1,
        "draft": 1,
        "retired": 1,
        "prices": 2,
    }
    assert [(each["state"], each["rows"], each["rejected"]) for each in found["imports"]] == [("done", 3, 0)]
    assert found["audit"]["unsealed"] == 0
    assert found["audit"]["entries"] >= 1
    text = any_shop.run("status").stdout
    assert "3 products (1 active, 1 draft, 1 retired)" in text
    assert "done, 3 rows, 0 rejected" in text


def test_status_names_what_cannot_be_read(shop: Shop) -> None:
    (shop.folder / ".shopctl/shop.db").chmod(0o644)
    found = shop.run("status", "-o", "json", expect=4).json
    assert found["databases"][0]["state"] == "unusable"
    assert "open to others" in found["databases"][0]["problem"]
    assert "open to others" in shop.run("status", expect=4).stdout


def test_status_and_doctor_need_a_shop(folder_without_shop: Shop) -> None:
    for verb in ("status", "doctor"):
        assert "shopctl init" in folder_without_shop.run(verb, "-o", "json", expect=3).error["hint"]


def checks(shop: Shop, expect: int = 0) -> dict[str, dict[str, str]]:
    return {row["check"]: row for row in json.loads(shop.run("doctor", "-o", "json", expect=expect).out)}


def test_doctor_finds_a_new_shop_well(any_shop: Shop) -> None:
    found = checks(any_shop)
    assert {"python", "sqlite", "shop schema", "auth schema", "permissions keys", "disk space"} <= found.keys()
    assert [row for row in found.values() if row["state"] == "fail"] == []


@pytest.mark.parametrize("name", ["tantivy", "whoosh"])
def test_doctor_names_the_search_engine(shop: Shop, name: str) -> None:
    (shop.folder / "shopctl.toml").write_text(f'search.engine = "{name}"')
    row = checks(shop)["search engine"]
    assert (row["state"], row["found"]) == ("ok", name)


@pytest.mark.assure("S16")
@pytest.mark.parametrize("name", ["shop.db", "auth.db", "keys", "keys/audit.key", "backups", "index", ""])
def test_doctor_finds_what_is_open_to_others(shop: Shop, name: str) -> None:
    path = shop.folder / ".shopctl" / name
    path.chmod(0o755 if path.is_dir() else 0o644)
    failed = [row for row in checks(shop, expect=6).values() if row["state"] == "fail"]
    assert failed
    assert all("chmod" in row["hint"] for row in failed)


def test_doctor_finds_a_lost_key_and_a_lost_database(shop: Shop) -> None:
    shutil.rmtree(shop.folder / ".shopctl/keys")
    (shop.folder / ".shopctl/auth.db").unlink()
    found = checks(shop, expect=6)
    assert found["audit key"]["state"] == "fail"
    assert found["auth schema"]["state"] == "fail"
    assert "shopctl" in found["auth schema"]["hint"]
    assert found["shop schema"]["state"] == "ok"


def test_doctor_warns_of_a_journal_that_makes_readers_wait(shop: Shop) -> None:
    with closing(sqlite3.connect(shop.folder / ".shopctl/shop.db", isolation_level=None)) as reader:
        reader.execute("pragma journal_mode = delete")
        reader.execute("begin")
        reader.execute("select count(*) from product").fetchone()
        assert checks(shop)["shop journal"]["state"] == "warn"
    assert checks(shop)["shop journal"]["state"] == "ok", "set right as soon as nobody else reads"


def test_doctor_says_that_a_lock_is_held(shop: Shop) -> None:
    # The doctor does not wait for a minute to say it.
    with sqlite3.connect(shop.folder / ".shopctl/shop.db", isolation_level=None) as connection:
        connection.execute("begin immediate")
        found = checks(shop, expect=6)
        connection.execute("rollback")
    assert found["shop writers"]["state"] == "fail"
    assert "locked" in found["shop writers"]["found"]


def test_one_of_a_thing_is_said_in_the_singular(shop: Shop) -> None:
    shop.run("catalogue", "import", "-", input="sku,name,category,price,stock\nA,Mug,Home,5,1\n")
    shop.run("catalogue", "reindex")
    shop.run("catalogue", "set", "A", "name=Cup")

    told = shop.run("status").stdout

    assert "1 product (1 active)" in told
    assert "1 category, 1 price, 1 stock level" in told
    assert "1 row," in told
