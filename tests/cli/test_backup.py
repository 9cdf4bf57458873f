"""`shopctl backup`: both databases are copied while the shop works, and come back as a whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from shopctl.storage.database import open_database
from shopctl.storage.marks import is_paused
from shopctl.storage.table_sums import TableSum, table_sums
from support.forked import command
from support.postgres import fresh_database
from support.shop import Result, Shop

PASSWORD = "violet tractor umbrella 77"
FEED = "".join(["sku,name,price,stock\n", *(f"MUG-{n},Mug number {n} “é”\\,{n}.50,{n}\n" for n in range(40))])


@pytest.fixture
def filled(any_shop: Shop) -> Shop:
    """A shop with products, a customer, what he has, and a user."""
    run(any_shop, "catalogue", "import", "-", "--format", "csv", input=FEED)
    run(any_shop, "provision", "start", "MUG-2", "--customer", "zz-1")
    run(any_shop, "customer", "add", "--name", "Zoé Tester", "--email", "zoe@example.org")
    run(any_shop, "user", "add", "anna", "--password-stdin", "--grant", "stock:read", input=PASSWORD)
    return any_shop


def run(
    shop: Shop,
    *words: str | os.PathLike[str],
    expect: int | None = 0,
    input: str = "",
    env: dict[str, str] | None = None,
) -> Result:
    """As `Shop.run`, by a fork: there are many of them here."""
    arguments = tuple(os.fspath(word) for word in words)
    if env:
        return shop.run(*arguments, expect=expect, input=input, env=env)
    done = command(shop, *arguments, said=input)
    assert expect in (None, done.code), f"{arguments}: exit {done.code}, not {expect}\n{done.out}{done.err}"
    return Result(arguments, done.code, done.out.encode(), done.err.encode())


def urls(shop: Shop) -> dict[str, str]:
    home = f"sqlite:///{shop.folder}/.shopctl"
    return {"shop": shop.database_url or f"{home}/shop.db", "auth": shop.auth_database_url or f"{home}/auth.db"}


def sums(shop: Shop) -> dict[str, dict[str, TableSum]]:
    """What stands in both databases."""
    found = {}
    for chain, url in urls(shop).items():
        with closing(open_database(url)) as database, database.read() as unit:
            found[chain] = table_sums(unit)
    return found


def backup(shop: Shop, *more: str) -> Any:
    return run(shop, "backup", "create", *more, "-o", "json").json


def test_what_was_lost_after_a_backup_comes_back(filled: Shop) -> None:
    before = sums(filled)
    made = backup(filled)
    assert made.keys() >= {"backup_id", "path", "bytes", "rows"}
    assert made["rows"] == sum(table.rows for tables in before.values() for table in tables.values())
    assert made["bytes"] == os.path.getsize(made["path"])
    run(filled, "catalogue", "set", "MUG-1", "name=Blue mug")
    run(filled, "user", "disable", "anna")
    run(filled, "customer", "add", "--name", "Somebody Else", "--email", "else@example.org")

    done = run(filled, "backup", "restore", made["backup_id"], "--confirm", filled.folder.name, "-o", "json").json

    assert done["paused"]
    assert run(filled, "catalogue", "show", "MUG-1", "-o", "json").json["name"] == "Mug number 1 “é”\\"
    assert run(filled, "customer", "list", "-o", "json").json[0]["name"] == "Zoé Tester"
    assert run(filled, "instance", "list", "-o", "json").json[0]["state"] == "active"
    assert run(filled, "user", "show", "anna", "-o", "json").json["state"] == "active"
    after = sums(filled)
    told = {"audit_entry", "audit_seal", "operating_mark", "account", "session", "signing_key"}
    for chain, tables in before.items():
        assert {name: after[chain][name] for name in tables.keys() - told} == {
            name: tables[name] for name in tables.keys() - told
        }
    run(filled, "audit", "verify")
    run(filled, "audit", "verify", "--database", "auth")
    assert run(filled, "audit", "list", "-o", "json").json[0]["action"] == "backup.restore"
    run(filled, "db", "check")
    run(filled, "catalogue", "set", "MUG-2", "name=Green mug")
    assert run(filled, "catalogue", "search", "green", "-o", "json").json["total"] == 1


def test_nothing_that_was_issued_before_a_restore_is_good_after_it(filled: Shop) -> None:
    def issued() -> Any:
        words = ("token", "issue", "--user", "anna", "--password-stdin", "-o", "json")
        return run(filled, *words, input=PASSWORD).json

    before = issued()
    personal = run(filled, "token", "create", "robot", "--user", "anna", "-o", "json").json["access_token"]
    made = backup(filled)
    later = issued()
    for token in (before, later):
        run(filled, "token", "verify", "-", input=token["access_token"])
    keys = {key["kid"] for key in run(filled, "key", "jwks", "-o", "json").json["keys"]}

    run(filled, "backup", "restore", made["path"], "--confirm", filled.folder.name)

    for token in (before, later):
        run(filled, "token", "verify", "-", input=token["access_token"], expect=4)
        run(filled, "token", "refresh", "-", input=token["refresh_token"], expect=4)
    run(filled, "token", "verify", "-", input=personal, expect=4)
    run(filled, "token", "verify", "-", input=issued()["access_token"])
    # Who knows nothing but the key set refuses them too.
    assert not keys & {key["kid"] for key in run(filled, "key", "jwks", "-o", "json").json["keys"]}


def test_a_shop_is_paused_until_what_it_holds_was_checked(filled: Shop) -> None:
    def paused() -> bool:
        with closing(open_database(urls(filled)["shop"])) as database, database.read() as unit:
            return is_paused(unit)

    made = backup(filled)
    assert not paused()
    assert run(filled, "db", "resume", "-o", "json").json["resumed"] is False
    run(filled, "backup", "restore", made["backup_id"], "--confirm", filled.folder.name)
    assert paused()
    assert "Paused" in run(filled, "status").stdout
    waiting = run(filled, "provision", "start", "MUG-1", "--customer", "C-1", "-o", "json", expect=8)
    assert waiting.json["state"] == "pending"
    assert "paused since a restore" in waiting.stderr
    assert "paused" in {check["check"] for check in run(filled, "doctor", "-o", "json").json}

    def turn_a_price_around() -> None:
        with closing(open_database(urls(filled)["shop"])) as database, database.unit() as unit:
            unit.execute("update price set amount = -amount where product_id = (select max(product_id) from price)")

    turn_a_price_around()
    assert run(filled, "db", "resume", "-o", "json", expect=6).error["code"] == "db.differs"
    assert paused()
    turn_a_price_around()
    assert run(filled, "db", "resume", "-o", "json").json["resumed"] is True
    assert not paused()


@pytest.mark.assure("R17")
def test_a_drill_brings_a_backup_back_and_doctor_asks_for_one_a_day(filled: Shop) -> None:
    def drills() -> list[Any]:
        return [check for check in run(filled, "doctor", "-o", "json").json if check["check"] == "backup drill"]

    assert drills() == []
    assert run(filled, "backup", "drill", "-o", "json", expect=3).error["code"] == "backup.none"
    made = backup(filled)
    before = sums(filled)
    assert drills()[0]["state"] == "warn"

    found = run(filled, "backup", "drill", "-o", "json").json

    assert found.keys() >= {"backup", "restored", "rows", "checksums_ok", "audit_ok", "rpo_seconds", "rto_seconds"}
    assert (found["backup"], found["rows"]) == (made["backup_id"], made["rows"])
    assert (found["restored"], found["checksums_ok"], found["audit_ok"]) == (True, True, True)
    assert 0 < found["rpo_seconds"] < 600
    assert 0 < found["rto_seconds"] < 600
    assert drills()[0]["state"] == "ok"
    after = sums(filled)
    told = {"audit_entry", "audit_seal", "operating_mark"}
    assert {name: after["shop"][name] for name in before["shop"].keys() - told} == {
        name: before["shop"][name] for name in before["shop"].keys() - told
    }
    assert after["auth"] == before["auth"]

    with closing(open_database(urls(filled)["shop"])) as database, database.unit() as unit:
        unit.execute("update operating_mark set at = at - :day where name = 'drill'", day=86_400 * 1_000_000)
    assert drills()[0]["state"] == "warn"
    assert "one is due" in run(filled, "status").stdout


def test_a_drill_finds_an_audit_trail_that_was_forged_before_the_backup(filled: Shop) -> None:
    with closing(open_database(urls(filled)["shop"])) as database, database.unit() as unit:
        unit.execute("update audit_entry set actor = 'os:nobody' where id = (select min(id) from audit_entry)")
    backup(filled)

    failed = run(filled, "backup", "drill", "-o", "json", expect=6)

    assert (failed.json["checksums_ok"], failed.json["audit_ok"]) == (True, False)
    assert failed.error["code"] == "backup.drill_failed"
    assert [
        check["state"] for check in run(filled, "doctor", "-o", "json").json if check["check"] == "backup drill"
    ] == ["warn"]


def test_a_shop_comes_back_on_a_new_machine_with_a_backup_and_its_key(
    filled: Shop, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    made = backup(filled)
    key = filled.folder / ".shopctl/keys/backup.key"

    def come_back(new: Shop) -> None:
        new.init()
        shutil.copy(made["path"], new.folder / "kept.backup")
        assert run(new, "backup", "verify", "./kept.backup", "-o", "json", expect=4).error["code"] == "backup.key_wrong"
        shutil.copy(key, new.folder / ".shopctl/keys/backup.key")
        run(new, "backup", "restore", "./kept.backup", "--confirm", new.folder.name)
        # What is sealed opens, and the trail verifies, under keys that came along.
        assert run(new, "customer", "list", "-o", "json").json[0]["name"] == "Zoé Tester"
        run(new, "token", "issue", "--user", "anna", "--password-stdin", input=PASSWORD)
        run(new, "audit", "verify")
        run(new, "db", "resume")
        assert run(new, "doctor", expect=None).code == 0

    if filled.dialect == "sqlite":
        come_back(Shop(tmp_path / "new"))
        return
    server = request.getfixturevalue("postgres_server")
    with fresh_database(server) as shop_url, fresh_database(server) as auth_url:
        come_back(Shop(tmp_path / "new", database_url=shop_url, auth_database_url=auth_url))


@pytest.mark.assure("R16")
def test_what_is_not_a_whole_backup_of_this_shop_touches_nothing(filled: Shop, tmp_path: Path) -> None:
    made = Path(backup(filled)["path"])
    before = sums(filled)
    content = made.read_bytes()
    middle = bytearray(content)
    middle[len(content) // 2] ^= 1
    for name, altered in {
        "flipped": bytes(middle), "cut": content[:-1], "half": content[: len(content) // 2], "empty": b"",
        "longer": content + b"\0", "other": b"PK\x03\x04" + os.urandom(5000),
    }.items():  # fmt: skip
        path = tmp_path / f"{name}.backup"
        path.write_bytes(altered)
        for words in (("verify", path), ("restore", path, "--confirm", filled.folder.name)):
            refused = run(filled, "backup", *words, "-o", "json", expect=12)
            assert refused.error["code"] == "backup.damaged", name
    key = filled.folder / ".shopctl/keys/backup.key"
    kept = key.read_text()
    key.write_text(f"shopctl-backup-key-1:{os.urandom(32).hex()}\n")
    for words in (("verify", made), ("restore", made, "--confirm", filled.folder.name)):
        assert run(filled, "backup", *words, "-o", "json", expect=4).error["code"] == "backup.key_wrong"
    assert run(filled, "backup", "list", "-o", "json").json[0]["state"] == "other key"
    key.write_text(kept)
    run(filled, "backup", "restore", made, "-o", "json", expect=2)
    run(filled, "backup", "restore", made, "--confirm", "another", expect=2)
    assert run(filled, "backup", "restore", "nothing", "--confirm", filled.folder.name, expect=3)
    assert sums(filled) == before
    assert not list(filled.folder.rglob("*restoring*"))


def test_a_restore_is_refused_where_the_keys_of_what_is_sealed_are_gone(shop: Shop) -> None:
    made = backup(shop)
    before = sums(shop)
    settings = shop.folder / "shopctl.toml"
    settings.write_text(settings.read_text() + 'customers.key_encryption_key = "env:OTHER_KEY"\n')
    env = {"OTHER_KEY": os.urandom(32).hex()}

    refused = run(shop, "backup", "restore", made["path"], "--confirm", "shop", "-o", "json", expect=4, env=env)

    assert refused.error["code"] == "sealing.key_wrong"
    assert sums(shop) == before


def test_a_reseal_since_the_backup_does_not_lock_it_out(filled: Shop) -> None:
    made = backup(filled)
    run(filled, "key", "reseal")

    run(filled, "backup", "restore", made["path"], "--confirm", filled.folder.name)

    assert run(filled, "customer", "list", "-o", "json").json[0]["name"] == "Zoé Tester"
    run(filled, "key", "reseal")
    assert run(filled, "customer", "list", "-o", "json").json[0]["name"] == "Zoé Tester"


@pytest.mark.assure("S16")
def test_backups_are_private_to_their_owner(shop: Shop, tmp_path: Path) -> None:
    made = Path(backup(shop, "--out", str(tmp_path / "away"))["path"])
    assert made.parent == tmp_path / "away"
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE((shop.folder / ".shopctl/keys/backup.key").stat().st_mode) == 0o600
    made.parent.chmod(0o755)
    assert (
        run(shop, "backup", "create", "--out", made.parent, "-o", "json", expect=4).error["code"]
        == "storage.permissions"
    )
    (shop.folder / ".shopctl/keys/backup.key").chmod(0o644)
    assert run(shop, "backup", "verify", made, "-o", "json", expect=4).error["code"] == "storage.permissions"


@pytest.mark.assure("S15", "S19")
def test_neither_what_is_sealed_nor_a_key_can_be_read_in_a_backup(shop: Shop) -> None:
    run(shop, "customer", "add", "--name", "Marker Zanzibar", "--email", "marker-zanzibar@example.org")
    run(shop, "catalogue", "import", "-", "--format", "csv", input="sku,name\nPLAIN-ZANZIBAR,Zanzibar mug\n")
    content = Path(backup(shop)["path"]).read_bytes()
    keys = [
        line.partition(":")[2]
        for path in (shop.folder / ".shopctl/keys").iterdir()
        for line in path.read_text().split()
    ]
    assert len(keys) == 4
    for text in ("zanzibar", "ZANZIBAR", "Zanzibar", "SQLite format", "create table", *keys):
        assert text.encode() not in content


def test_old_backups_are_pruned_and_the_only_good_one_never(shop: Shop) -> None:
    made = [backup(shop) for _ in range(3)]
    assert run(shop, "backup", "prune", "-o", "json", expect=2).error["code"] == "backup.nothing_to_keep"
    planned = run(shop, "backup", "prune", "--keep-last", "1", "--dry-run", "-o", "json").json
    assert [each["action"] for each in planned] == ["keep", "remove", "remove"]
    assert len(run(shop, "backup", "list", "-o", "json").json) == 3

    newest = Path(made[-1]["path"])
    whole = newest.read_bytes()
    broken = bytearray(whole)
    broken[200] ^= 1
    newest.write_bytes(broken)
    refused = run(shop, "backup", "prune", "--keep-last", "1", "-o", "json", expect=12)
    assert refused.error["code"] == "backup.no_good"
    assert len(run(shop, "backup", "list", "-o", "json").json) == 3

    newest.write_bytes(whole)
    run(shop, "backup", "prune", "--keep-last", "1")
    assert [each["backup_id"] for each in run(shop, "backup", "list", "-o", "json").json] == [made[-1]["backup_id"]]


def test_a_damaged_database_is_not_backed_up_and_can_be_replaced(shop: Shop) -> None:
    run(shop, "catalogue", "import", "-", "--format", "csv", input=FEED)
    made = backup(shop)
    database = shop.folder / ".shopctl/shop.db"
    content = bytearray(database.read_bytes())
    content[20_000:90_000] = os.urandom(70_000)
    database.write_bytes(content)
    assert run(shop, "backup", "create", "-o", "json", expect=12).error["code"] == "storage.damaged"
    assert [each["backup_id"] for each in run(shop, "backup", "list", "-o", "json").json] == [made["backup_id"]]

    run(shop, "backup", "restore", made["backup_id"], "--confirm", "shop")
    run(shop, "db", "check")

    database.unlink()
    run(shop, "backup", "restore", made["backup_id"], "--confirm", "shop")
    run(shop, "db", "check")


def test_a_backup_by_a_newer_shopctl_is_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from shopctl.storage import migrations

    made = backup(shop)
    before = sums(shop)
    from shopctl.kernel.settings import load_settings
    from shopctl.operations.restoring import restore
    from shopctl.storage.errors import SchemaNewer

    monkeypatch.setitem(migrations._HEADS, "auth", "0001")
    with pytest.raises(SchemaNewer):
        restore(load_settings(shop.folder, {}), made["path"])
    assert sums(shop) == before


def test_a_backup_of_the_other_kind_says_what_to_do(first_shop: Shop, postgres_shop: Shop, tmp_path: Path) -> None:
    shop = first_shop.copy(tmp_path / "other")
    made = backup(shop)
    shutil.copy(shop.folder / ".shopctl/keys/backup.key", postgres_shop.folder / ".shopctl/keys/backup.key")
    refused = run(
        postgres_shop, "backup", "restore", made["path"], "--confirm", postgres_shop.folder.name, "-o", "json", expect=5
    )
    assert refused.error["code"] == "backup.other_kind"
    assert "db move" in refused.error["hint"]


def test_pg_dump_must_be_there_and_as_new_as_the_server(postgres_shop: Shop, tmp_path: Path) -> None:
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.1'\n")
    old.chmod(0o700)
    for path, code in ((old, "backup.pg_dump_too_old"), (tmp_path / "none", "backup.pg_dump_missing")):
        refused = run(
            postgres_shop, "backup", "create", "-o", "json", expect=None, env={"SHOPCTL_BACKUP__PG_DUMP": str(path)}
        )
        assert refused.error["code"] == code
        assert len(refused.stderr.splitlines()) == 1
    breaks = "echo half; echo 'it broke' >&2; exit 1"
    old.write_text(f"#!/bin/sh\n[ \"$1\" = --version ] && echo 'pg_dump (PostgreSQL) 99.1' && exit\n{breaks}\n")
    refused = run(postgres_shop, "backup", "create", "-o", "json", expect=7, env={"SHOPCTL_BACKUP__PG_DUMP": str(old)})
    assert "it broke" in refused.error["message"]
    assert run(postgres_shop, "backup", "list", "-o", "json").json == []
    assert os.listdir(postgres_shop.folder / ".shopctl/backups") == []


def test_a_list_says_what_each_is_and_json_is_json(shop: Shop) -> None:
    assert run(shop, "backup", "list", "-o", "json").json == []
    made = backup(shop)
    (shop.folder / ".shopctl/backups/broken.backup").write_bytes(b"no")
    listed = run(shop, "backup", "list", "-o", "json").json
    assert [each["state"] for each in listed] == ["ok", "damaged"]
    assert listed[0] == json.loads(json.dumps(listed[0]))
    assert listed[0]["rows"] == made["rows"]
