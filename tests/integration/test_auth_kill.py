"""Writes to the Authentication Database killed at any point: done as a whole or not at all, and the trail verifies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from integration.test_import_kill import spread
from shopctl.audit.service import Audit
from shopctl.storage.database import Database, open_database
from support.auth_soundness import counted, difference, half_done
from support.feeds import csv_text
from support.forked import command
from support.parts import crossed
from support.shop import Shop
from support.users import HEADER, bcrypt_hash

PASSWORD = "violet tractor umbrella 77"


@pytest.fixture
def auth(any_shop: Shop) -> Iterator[Database]:
    """The Authentication Database of a shop with a role and a user."""
    url = any_shop.auth_database_url or f"sqlite:///{any_shop.folder}/.shopctl/auth.db"
    with closing(open_database(url)) as database:
        for said, *arguments in (
            ("", "role", "create", "clerk", "--permit", "stock:read"),
            (PASSWORD, "user", "add", "user-anna", "--role", "clerk", "--password-stdin"),
        ):
            done = command(any_shop, *arguments, said=said)
            assert done.code == 0, done.err
        yield database
        database.close()


def numbers(database: Database) -> dict[str, int]:
    with database.read() as unit:
        assert half_done(unit) == {}
        return counted(unit)


def trail(shop: Shop, database: Database) -> Audit:
    return Audit(database, shop.folder / ".shopctl/keys/audit.key", system="auth")


def active_key(shop: Shop) -> str:
    listed = json.loads(command(shop, "key", "list", "-o", "json").out)
    return next(key["kid"] for key in listed if key["state"] == "active")


def refresh_token(shop: Shop) -> str:
    issued = command(shop, "token", "issue", "--user", "user-anna", "--password-stdin", "-o", "json", said=PASSWORD)
    assert issued.code == 0, issued.err
    return str(json.loads(issued.out)["refresh_token"])


def users_file(shop: Shop, n: int) -> str:
    """A file of three users."""
    rows = [(f"imported-{n}-{k}", f"i{n}-{k}@example.org", bcrypt_hash(k), "clerk") for k in range(3)]
    path = shop.folder / f"users{n}.csv"
    path.write_text(csv_text(HEADER, *rows))
    return path.name


WRITES: dict[str, Callable[[Shop, int], tuple[str, ...]]] = {
    # What it reads on standard input, and its words.
    "user add": lambda shop, n: (
        PASSWORD, "user", "add", f"user-{n}", "--email", f"u{n}@example.org", "--role", "clerk",
        "--grant", "audit:read", "--password-stdin",
    ),
    "user add --service": lambda shop, n: ("", "user", "add", f"user-service-{n}", "--service", "--role", "clerk"),
    "key rotate": lambda shop, n: ("", "key", "rotate"),
    "key revoke": lambda shop, n: ("", "key", "revoke", active_key(shop), "--yes"),
    "token issue": lambda shop, n: (PASSWORD, "token", "issue", "--user", "user-anna", "--password-stdin"),
    "token refresh": lambda shop, n: (refresh_token(shop), "token", "refresh", "-"),
    "user import": lambda shop, n: ("", "user", "import", users_file(shop, n)),
    "user import --resume": lambda shop, n: (
        "", "user", "import", users_file(shop, n), "--on-error", "skip-rows", "--resume",
    ),
    "role permit": lambda shop, n: ("", "role", "permit", "clerk", f"stock:write:S-{n}"),
}  # fmt: skip


@pytest.mark.assure("R13")
@pytest.mark.parametrize(
    ("any_shop", "name"), crossed(["sqlite", "postgres"], [*WRITES], every=2), indirect=["any_shop"]
)
def test_a_write_killed_at_any_point_is_whole_or_was_never_begun(
    any_shop: Shop, auth: Database, name: str, scale: Callable[[int, int], int]
) -> None:
    for turn in (-2, -1):  # the first makes secrets and counters that the later ones find
        said, *words = WRITES[name](any_shop, turn)
        before = numbers(auth)
        whole = command(any_shop, *words, said=said)
        assert whole.code == 0, whole.err
    done = difference(before, numbers(auth))
    assert done
    assert whole.points > 7

    outcomes = set()
    for point in spread(whole.points, scale(3, whole.points)):
        said, *words = WRITES[name](any_shop, point)
        before = numbers(auth)
        killed = command(any_shop, *words, said=said, point=point)
        assert killed.code == -9, f"point {point} of {whole.points}: {killed.err}"
        came = difference(before, numbers(auth))
        assert came in ({}, done), f"point {point} of {whole.points}"
        outcomes.add(bool(came))
        assert trail(any_shop, auth).verify().ok

        again = command(any_shop, *words, said=said)
        if not came:
            assert again.code == 0, again.err
            assert difference(before, numbers(auth)) == done
        elif name.startswith("user add"):
            assert (again.code, "already" in again.err) == (5, True)
        elif name.startswith("user import"):
            assert (again.code, difference(before, numbers(auth))) == (0, done)
            assert "3  added" in again.out or "3  unchanged" in again.out
        numbers(auth)
    command(any_shop, "key", "rotate")  # the next command that records something seals what the killed ones left
    found = trail(any_shop, auth).verify()
    assert (found.ok, found.unsealed.entries) == (True, 0)
    assert outcomes == {True, False}
