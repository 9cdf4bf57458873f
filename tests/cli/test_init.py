"""`shopctl init`: a private shop, whole or not at all, and safe to repeat."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
import tomllib
from pathlib import Path

import pytest

from support.shop import Shop


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file below with its time of change and content; locks and SQLite's own files beside a database apart."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in {".toml", ".db", ".key"}
    }


def test_a_shop_is_made(folder_without_shop: Shop):
    made = folder_without_shop.run("init", "-o", "json").json

    folder = folder_without_shop.folder
    home = folder / ".shopctl"
    assert made["folder"] == str(folder)
    assert made["home"] == str(home)
    assert made["database"] == f"sqlite:///{home}/shop.db"
    assert made["present"] == []
    assert "audit key" in made["created"]
    assert {path.name for path in home.iterdir()} >= {"shop.db", "auth.db", "keys", "index", "backups"}
    assert tomllib.loads((folder / "shopctl.toml").read_text())["database_url"] == "sqlite:///.shopctl/shop.db"
    assert sqlite3.connect(home / "shop.db").execute("select count(*) from product").fetchone() == (0,)
    assert not list(folder.glob("*.new")) + list(folder.glob(".*.new"))


@pytest.mark.assure("S16")
def test_everything_made_is_private_whatever_the_umask(folder_without_shop: Shop):
    before = os.umask(0)
    try:
        folder_without_shop.run("init")
    finally:
        os.umask(before)
    made = [folder_without_shop.folder / "shopctl.toml", folder_without_shop.folder / ".shopctl"]
    made += made[1].rglob("*")
    modes = {path: path.stat().st_mode & 0o777 for path in made}
    assert modes == {path: 0o700 if path.is_dir() else 0o600 for path in made}


@pytest.mark.assure("S26")
def test_every_shop_has_keys_of_its_own(tmp_path: Path):
    keys = set()
    for name in ("one", "two"):
        shop = Shop(tmp_path / name).init()
        keys |= {(shop.folder / ".shopctl/keys" / key).read_text() for key in ("audit.key", "auth.kek", "shop.kek")}
        keys |= {key["kid"] for key in shop.run("key", "jwks", "-o", "json").json["keys"]}
    assert len(keys) == 10


@pytest.mark.assure("S26")
def test_a_new_shop_has_no_accounts(shop: Shop):
    database = sqlite3.connect(shop.folder / ".shopctl/auth.db")
    tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
    rows = {name: database.execute(f'select count(*) from "{name}"').fetchone()[0] for name in tables}
    assert {name for name, count in rows.items() if count} <= {"schema_version", "sealing_key", "signing_key"}


def test_a_second_run_changes_nothing_and_says_so(shop: Shop):
    before = tree(shop.folder)
    again = shop.run("init")
    assert "is complete; nothing was changed" in again.stdout
    assert tree(shop.folder) == before
    assert shop.run("init", "-o", "json").json["created"] == []


@pytest.mark.parametrize(
    ("missing", "named"),
    [("shopctl.toml", "shopctl.toml"), (".shopctl/keys/audit.key", "audit key"), (".shopctl/index", ".shopctl/index"),
     (".shopctl/auth.db", "auth database")],
)  # fmt: skip
def test_a_second_run_completes_what_is_missing_and_leaves_the_rest(shop: Shop, missing, named):
    path = shop.folder / missing
    before = tree(shop.folder)
    path.rmdir() if path.is_dir() else path.unlink()

    assert shop.run("init", "-o", "json").json["created"] == [named]

    assert path.exists()
    after = tree(shop.folder)
    assert {name: found for name, found in after.items() if name != missing} == {
        name: found for name, found in before.items() if name != missing
    }


def test_two_at_once_make_one_shop(folder_without_shop: Shop):
    processes = [folder_without_shop.start("init", "-o", "json") for _ in range(4)]
    answers = [(process.communicate(timeout=60), process.returncode) for process in processes]
    assert [code for _, code in answers] == [0] * 4, answers
    assert sum(b'"created":[]' in out for (out, _), _ in answers) == 3


def test_the_urls_given_are_kept(folder_without_shop: Shop):
    (folder_without_shop.folder / "data").mkdir()
    made = folder_without_shop.run("init", "--database", "sqlite:///data/my shop.db", "-o", "json").json

    assert made["database"] == f"sqlite:///{folder_without_shop.folder}/data/my shop.db"
    assert (folder_without_shop.folder / "data/my shop.db").stat().st_mode & 0o777 == 0o600
    shown = folder_without_shop.run("config", "show", "-o", "json").json
    assert shown["database_url"] == made["database"]
    assert shown["auth_database_url"] == made["auth_database"]


def test_another_database_is_refused_once_there_is_a_shop(shop: Shop):
    before = tree(shop.folder)
    refused = shop.run("init", "--database", "sqlite:///other.db", "-o", "json", expect=5)
    assert refused.error["code"] == "init.other_database"
    assert tree(shop.folder) == before
    shop.run("init", "--database", "sqlite:///.shopctl/shop.db")


def test_a_database_from_the_environment_stays_out_of_the_file(folder_without_shop: Shop):
    url = f"sqlite:///{folder_without_shop.folder}/env.db"
    folder_without_shop.run("init", env={"SHOPCTL_DATABASE_URL": url})
    assert (folder_without_shop.folder / "env.db").exists()
    assert not (folder_without_shop.folder / ".shopctl/shop.db").exists()
    assert "database_url" not in {
        name for name in tomllib.loads((folder_without_shop.folder / "shopctl.toml").read_text()) if name[0] == "d"
    }


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (("--auth-database", "postgresql://nobody@127.0.0.1:1/none"), 7),
        (("--database", "sqlite:///nowhere/shop.db"), 3),
        (("--database", "mysql://db/shop"), 2),
        (("--database", "sqlite:///one.db", "--auth-database", "sqlite:///one.db"), 5),
    ],
)
def test_an_init_that_fails_leaves_nothing_behind(folder_without_shop: Shop, flags, code):
    refused = folder_without_shop.run("init", *flags, expect=code)
    assert refused.stderr.count("\n") == 2, "one line and a hint"
    assert list(folder_without_shop.folder.iterdir()) == []


@pytest.mark.assure("S18")
def test_a_password_in_a_url_is_not_shown(folder_without_shop: Shop):
    refused = folder_without_shop.run("init", "--database", "postgresql://shop:c4nary@127.0.0.1:1/x", expect=7)
    assert "c4nary" not in refused.stdout + refused.stderr
    assert "can be seen by others" in refused.stderr


def test_a_killed_init_is_completed_by_the_next(folder_without_shop: Shop, dice, scale):
    for _ in range(scale(4, 60)):
        process = folder_without_shop.start("init")
        time.sleep(dice.uniform(0.1, 0.7))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        folder_without_shop.run("init")
        assert {path.name for path in folder_without_shop.folder.iterdir()} == {"shopctl.toml", ".shopctl"}
        assert folder_without_shop.run("init", "-o", "json").json["created"] == []
        for path in sorted(folder_without_shop.folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()


def test_what_a_killed_init_wrote_halfway_is_taken_away(folder_without_shop: Shop):
    (folder_without_shop.folder / "shopctl.toml.new").touch()
    (folder_without_shop.folder / "shopctl.toml.new.4711.tmp").touch()
    folder_without_shop.run("init")
    assert {path.name for path in folder_without_shop.folder.iterdir()} == {"shopctl.toml", ".shopctl"}


def test_a_terminated_init_leaves_nothing_half_done(folder_without_shop: Shop):
    process = folder_without_shop.start("init")
    deadline = time.monotonic() + 30
    while not (folder_without_shop.folder / ".shopctl.new").exists() and time.monotonic() < deadline:
        time.sleep(0.002)
    process.terminate()
    process.communicate()
    left = {path.name for path in folder_without_shop.folder.iterdir()}
    assert left in (set(), {"shopctl.toml", ".shopctl"})


@pytest.mark.assure("S16")
def test_a_home_that_others_can_reach_is_refused(shop: Shop):
    (shop.folder / ".shopctl").chmod(0o755)
    refused = shop.run("init", "-o", "json", expect=4)
    assert refused.error["code"] == "storage.permissions"
    assert "chmod 700" in refused.error["hint"]


@pytest.mark.assure("S16")
@pytest.mark.parametrize("name", ["keys/audit.key", "keys", "shop.db"])
def test_a_part_that_others_can_reach_is_refused(shop: Shop, name):
    path = shop.folder / ".shopctl" / name
    path.chmod(0o755 if path.is_dir() else 0o644)
    refused = shop.run("init", "-o", "json", expect=4)
    assert refused.error["code"] == "storage.permissions"
    assert name in refused.error["message"]


@pytest.mark.assure("S16")
@pytest.mark.parametrize("name", ["backups", "index", "keys", "rejects"])
def test_a_folder_that_others_can_reach_is_refused_also_where_it_is_not_needed(shop: Shop, name):
    (folder := shop.folder / ".shopctl" / name).mkdir(exist_ok=True)
    folder.chmod(0o750)
    for words in (("catalogue", "list"), ("user", "list"), ("audit", "list")):
        refused = shop.run(*words, "-o", "json", expect=4).error
        assert (refused["code"], name in refused["message"]) == ("storage.permissions", True)
        assert refused["hint"].endswith(f"chmod 700 {folder}")


def test_something_in_the_way_is_said_in_one_line(folder_without_shop: Shop):
    way = folder_without_shop.folder / ".shopctl"
    way.write_text("")
    way.chmod(0o600)
    refused = folder_without_shop.run("init", expect=4)
    assert refused.stderr.count("\n") == 2
    assert "not a directory" in refused.stderr
    assert list(folder_without_shop.folder.iterdir()) == [way]


def test_a_shop_within_a_shop_is_its_own(shop: Shop):
    inner = shop.folder / "inner"
    inner.mkdir()
    shop.run("init", cwd=inner)
    assert shop.run("config", "path", "-o", "json", cwd=inner).json["home"] == str(inner / ".shopctl")


def test_a_shop_on_postgresql_is_made_and_repeated(postgres_shop: Shop):
    assert not (postgres_shop.folder / ".shopctl/shop.db").exists()
    again = postgres_shop.run("init", "-o", "json").json
    assert again["created"] == []
    assert again["database"].startswith("postgresql://")


def test_a_trail_begun_under_another_key_gets_no_new_one(any_shop: Shop):
    (any_shop.folder / ".shopctl/keys/audit.key").rename(any_shop.folder / "kept.key")
    any_shop.run("init")  # nothing was recorded yet, so a new key does no harm
    any_shop.run("catalogue", "import", "-", input="sku,name\nMUG-1,Mug\n")
    (any_shop.folder / ".shopctl/keys/audit.key").unlink()

    refused = any_shop.run("init", "-o", "json", expect=3)

    assert refused.error["code"] == "audit.key_missing"
