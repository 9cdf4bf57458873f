"""`shopctl user import` and `export` at the command line."""

from __future__ import annotations

import os
import pty
import stat
import subprocess
import sys
import time
from contextlib import closing

import pytest

from shopctl.auth.hash_forms import OWN_PREFIX
from shopctl.auth.importing.reading import BATCH
from shopctl.storage.database import open_database
from support.feeds import csv_text
from support.shop import Shop
from support.users import HEADER, bcrypt_hash, many, number_of_users


@pytest.fixture
def with_roles(any_shop: Shop) -> Shop:
    any_shop.run("role", "create", "customer")
    return any_shop


def users_in(shop: Shop) -> int:
    url = shop.auth_database_url or f"sqlite:///{shop.folder / '.shopctl' / 'auth.db'}"
    with closing(open_database(url)) as database, database.read() as unit:
        return number_of_users(unit)


def test_users_are_imported_exported_and_imported_again(with_roles: Shop) -> None:
    shop = with_roles
    report = shop.run("user", "import", "-", "-o", "json", input=many(30)).json
    assert {name: report[name] for name in ("rows", "created", "updated", "unchanged", "rejected")} == {
        "rows": 30,
        "created": 30,
        "updated": 0,
        "unchanged": 0,
        "rejected": 0,
    }
    assert report["seconds"] > 0

    for out in ("users.csv", "users.ndjson"):
        told = shop.run("user", "export", "--hashes", "--out", out)
        assert "30 users written" in told.stderr
        assert stat.S_IMODE((shop.folder / out).stat().st_mode) == 0o600
        again = shop.run("user", "import", out, "--resume", "--dry-run", "--detailed-exitcode", "-o", "json").json
        assert (again["unchanged"], again["created"], again["updated"]) == (30, 0, 0)
    assert shop.run("user", "export", "--format", "csv").out.startswith(b"username,email,kind,state,roles,permissions")


@pytest.mark.assure("R18")
def test_an_import_killed_midway_goes_on_when_it_is_run_again(with_roles: Shop) -> None:
    shop, text = with_roles, many(BATCH + 600)
    header, *rows = text.splitlines(keepends=True)
    running = shop.start("user", "import", "-", "--on-error", "skip-rows", stdin=subprocess.PIPE)
    assert running.stdin is not None
    running.stdin.write("".join([header, *rows[: BATCH + 300]]).encode())
    running.stdin.flush()
    deadline = time.monotonic() + 60
    while users_in(shop) < BATCH:
        assert time.monotonic() < deadline, "the first batch is never committed"
        time.sleep(0.05)
    running.kill()
    running.communicate()
    assert users_in(shop) == BATCH

    report = shop.run("user", "import", "-", "--on-error", "skip-rows", "-o", "json", input=text).json

    assert (report["created"], report["unchanged"]) == (600, BATCH)
    assert users_in(shop) == BATCH + 600
    shop.run("audit", "verify")


def test_bad_rows_refuse_the_file_or_are_skipped(shop: Shop) -> None:
    text = csv_text(HEADER, ("anna", "", bcrypt_hash(1), ""), ("bob", "nowhere", "", ""), ("eva", "", "", "pirate"))

    refused = shop.run("user", "import", "-", "-o", "json", input=text, expect=12)
    assert (refused.json["created"], refused.json["rejected"]) == (0, 2)
    assert refused.error["code"] == "user.rows_rejected"
    assert users_in(shop) == 0

    skipped = shop.run("user", "import", "-", "--on-error", "skip-rows", "--rejects", "bad.csv", input=text, expect=6)
    assert "line 3  email: 'nowhere' is not an e-mail address." in skipped.stdout
    assert "line 4  roles: There is no role 'pirate'." in skipped.stdout
    assert "Correct them in bad.csv" in skipped.stderr

    shop.run("role", "create", "pirate")
    corrected = (shop.folder / "bad.csv").read_text().replace("nowhere", "bob@example.org")
    assert shop.run("user", "import", "-", "-o", "json", input=corrected).json["created"] == 2


def test_what_is_ignored_or_left_out_is_said_once(shop: Shop) -> None:
    shop.run("user", "import", "-", input="username,password_hash\nanna," + bcrypt_hash(1) + "\n")
    own = OWN_PREFIX + bcrypt_hash(2)[1:]

    told = shop.run("user", "import", "-", input=f"username,password_hash,shoes\nbob,{own},38\neva,{own},39\n")

    assert told.stderr.count("'shoes', which mean nothing here") == 1
    assert "2 passwords came from another shop" in told.stderr


def test_a_dry_run_says_what_would_change(shop: Shop) -> None:
    told = shop.run("user", "import", "-", "--dry-run", "--detailed-exitcode", input="username\nanna\n", expect=10)

    assert "1  would be added" in told.stdout
    assert users_in(shop) == 0


def test_hashes_are_never_shown_on_a_terminal_unless_one_says_so(shop: Shop) -> None:
    shop.run("user", "import", "-", input="username,password_hash\nanna," + bcrypt_hash(1) + "\n")

    def seen(*arguments: str) -> tuple[int, bytes]:
        ours, theirs = pty.openpty()
        done = subprocess.run(
            [sys.executable, "-m", "shopctl", "user", "export", "--hashes", *arguments],
            cwd=shop.folder,
            env=shop.environment(),
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=subprocess.PIPE,
            timeout=60,
        )
        os.write(theirs, b"end")
        os.close(theirs)
        shown = b""
        while not shown.endswith(b"end"):
            shown += os.read(ours, 4096)
        os.close(ours)
        return done.returncode, shown

    assert seen() == (2, b"end")
    code, shown = seen("--yes")
    assert code == 0
    assert bcrypt_hash(1).encode() in shown
