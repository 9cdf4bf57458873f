"""A shop that the release before left: what it says until it is upgraded and has its keys, and that nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from integration.test_import_kill import spread
from shopctl.storage.database import open_database
from shopctl.storage.migrations import Chain
from support.auth_soundness import half_done
from support.forked import Ended, command
from support.old_database import as_before, auth_trail, url_in
from support.shop import Shop

PASSWORD = "violet tractor umbrella 77"


@pytest.fixture
def old_shop(any_shop: Shop, tmp_path: Path, scale: Callable[[int, int], int]) -> Shop:
    (tmp_path / "old").mkdir()
    as_before(any_shop, tmp_path / "old", scale(1_000, 100_000))
    return any_shop


def done(shop: Shop, *words: str, said: str = "") -> Ended:
    ended = command(shop, *words, said=said)
    assert ended.code == 0, ended.err
    return ended


def refused(shop: Shop, *words: str, said: str = "") -> tuple[str, str, int]:
    """The message of one line and the hint of another, and the exit code."""
    ended = command(shop, *words, said=said)
    error, hint = ended.err.splitlines()
    return error.removeprefix("error: "), hint.removeprefix("hint: "), ended.code


def sealing_keys(shop: Shop, chain: Chain) -> list[str]:
    with closing(open_database(url_in(shop, chain))) as database, database.read() as unit:
        return [purpose for (purpose,) in unit.tuples("select purpose from sealing_key order by purpose")]


def assert_whole(shop: Shop) -> None:
    assert sealing_keys(shop, "shop") == ["data", "index"]
    assert sealing_keys(shop, "auth")[:2] == ["data", "index"]
    with closing(open_database(url_in(shop, "auth"))) as database:
        with database.read() as unit:
            assert half_done(unit) == {}
        found = auth_trail(database, shop.folder / ".shopctl/keys").verify()
        assert found.ok, found.findings


@pytest.mark.assure("R19")
def test_an_old_shop_says_what_to_do_until_it_is_whole(old_shop: Shop, scale: Callable[[int, int], int]) -> None:
    schema, way_out, code = refused(old_shop, "user", "list")
    assert "auth database is at schema 0001" in schema
    assert ("shopctl db upgrade" in way_out, code) == (True, 5)
    schema, way_out, code = refused(old_shop, "init")
    assert "shop database is at schema 0004" in schema
    assert ("shopctl db upgrade" in way_out, code) == (True, 5)
    assert not [*(old_shop.folder / ".shopctl/keys").glob("*.kek")], "nothing is made for a schema of before"

    done(old_shop, "db", "upgrade")

    assert json.loads(done(old_shop, "user", "list", "-o", "json").out) == []
    for said, *words in (
        (PASSWORD, "token", "issue", "--user", "user-anna", "--password-stdin"),
        (PASSWORD, "user", "add", "user-anna", "--password-stdin"),
        ("", "user", "add", "robot", "--service"),
        ("", "key", "rotate"),
    ):
        missing, way_out, code = refused(old_shop, *words, said=said)
        assert missing == "The auth database has no sealing keys yet."
        assert ("shopctl init" in way_out, code) == (True, 3)
    checked = {row["check"]: row for row in json.loads(command(old_shop, "doctor", "-o", "json").out)}
    for chain in ("shop", "auth"):
        assert (checked[f"{chain} sealing keys"]["state"], checked[f"{chain} sealing keys"]["hint"]) == (
            "fail",
            way_out,
        )

    done(old_shop, "init")

    keys = {path.name: path.read_bytes() for path in (old_shop.folder / ".shopctl/keys").iterdir()}
    assert {"shop.kek", "auth.kek"} <= keys.keys()
    assert_whole(old_shop)
    before = json.loads(done(old_shop, "key", "list", "-o", "json").out)
    assert "nothing was changed" in done(old_shop, "init").out
    assert json.loads(done(old_shop, "key", "list", "-o", "json").out) == before
    assert keys == {path.name: path.read_bytes() for path in (old_shop.folder / ".shopctl/keys").iterdir()}
    done(old_shop, "role", "create", "clerk")
    done(old_shop, "user", "add", "user-anna", "--role", "clerk", "--password-stdin", said=PASSWORD)
    done(old_shop, "token", "issue", "--user", "user-anna", "--password-stdin", said=PASSWORD)
    done(old_shop, "audit", "verify")
    assert_whole(old_shop)
    with closing(open_database(url_in(old_shop, "auth"))) as database:
        trail = auth_trail(database, old_shop.folder / ".shopctl/keys")
        actions = [entry.action for entry in trail.entries(limit=4)]
        assert actions == ["token.issue", "user.add", "role.create", "db.upgrade"]
        assert trail.verify().entries == scale(1_000, 100_000) + 4


@pytest.mark.assure("R19")
def test_an_init_killed_while_it_makes_the_keys_is_completed_by_the_next(
    old_shop: Shop, scale: Callable[[int, int], int]
) -> None:
    done(old_shop, "db", "upgrade")
    made = [*(old_shop.folder / ".shopctl/keys").iterdir()]

    def unmake() -> None:
        for path in (old_shop.folder / ".shopctl/keys").iterdir():
            if path not in made:
                path.unlink()
        for chain, tables in (("shop", ["sealing_key"]), ("auth", ["sealing_key", "signing_key"])):
            with closing(open_database(url_in(old_shop, chain))) as database, database.unit() as unit:  # type: ignore[arg-type]
                for table in tables:
                    unit.execute(f"delete from {table}")

    whole = done(old_shop, "init")
    for point in spread(whole.points, scale(4, whole.points)):
        unmake()
        killed = command(old_shop, "init", point=point)
        assert killed.code == -9, f"point {point} of {whole.points}: {killed.err}"
        done(old_shop, "init")
        assert_whole(old_shop)
    done(old_shop, "role", "create", "clerk")
    done(old_shop, "user", "add", "user-anna", "--role", "clerk", "--password-stdin", said=PASSWORD)
    assert_whole(old_shop)
