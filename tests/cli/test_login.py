"""`shopctl login`, `logout`, `whoami`: a login lasts from one command to the next, and no longer than it should."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from integration.test_import_kill import spread
from shopctl.auth.one_time import PERIOD, code_at
from shopctl.auth.tokens import new_refresh_token
from shopctl.authdb import sessions
from support.forked import command
from support.login import NOBODY, PASSWORD, Guarded
from support.shop import Shop


@pytest.fixture
def guarded(shop: Shop) -> Guarded:
    return Guarded(shop)


def with_second_factor(guarded: Guarded, name: str) -> str:
    """Give a user a second factor, and return a code that is good once."""
    with guarded.services() as services:
        secret = services.second_factors.enrol(name).secret
        now = services.clock.now()
        return services.second_factors.confirm(name, code_at(secret, now // PERIOD))[0]


@pytest.mark.assure("S9", "S16")
def test_a_login_lasts_until_the_logout(guarded: Guarded) -> None:
    guarded.add("anna", "catalogue:read")
    refused = guarded.run("login", "anna", "--password-stdin", "-o", "json", input="something else\n", expect=4)
    assert refused.error["code"] == "auth.login_refused"

    assert guarded.run("login", "anna", "--password-stdin", input=PASSWORD).stdout == "Logged in as anna.\n"

    found = guarded.run("whoami", "-o", "json").json
    assert (found["user"], found["permissions"], found["source"]) == ("anna", ["catalogue:read"], "login")
    assert found["user_id"].startswith("usr_")
    assert found["session_expires_at"] > found["token_expires_at"]
    for path in (guarded.file.path, Path(f"{guarded.file.path}.lock")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(guarded.file.path.parent.stat().st_mode) == 0o700
    token = guarded.stored()["access_token"]

    assert guarded.run("logout", "-o", "json").json == {"user": "anna", "logged_out": True}
    assert guarded.run("logout", "-o", "json").json == {"user": None, "logged_out": False}
    assert not guarded.file.path.exists()
    missing = guarded.run("whoami", "-o", "json", expect=4)
    assert missing.error["code"] == "login.missing"
    assert "shopctl login" in missing.error["hint"]
    assert guarded.run("whoami", "-o", "json", token=token, expect=4).error["code"] == "token.refused"


@pytest.mark.assure("S9")
def test_another_login_ends_the_former_one(guarded: Guarded, tmp_path: Path) -> None:
    former = guarded.logged_in("anna")
    (tmp_path / "password").write_text(f"{PASSWORD}\n")

    guarded.run("login", "anna", "--password-file", tmp_path / "password")

    assert guarded.stored()["access_token"] != former.access_token
    guarded.run("whoami", token=former.access_token, expect=4)


def test_a_one_time_code_comes_on_the_second_line(guarded: Guarded) -> None:
    guarded.add("anna")
    code = with_second_factor(guarded, "anna")

    missing = guarded.run("login", "anna", "--password-stdin", "-o", "json", input=PASSWORD, expect=4)
    assert missing.error["code"] == "auth.code_needed"
    assert not guarded.file.path.exists()
    guarded.run("login", "anna", "--password-stdin", input=f"{PASSWORD}\n{code}\n")


def test_a_terminal_is_asked_for_what_is_missing(guarded: Guarded) -> None:
    guarded.add("anna")
    code = with_second_factor(guarded, "anna")
    screen, terminal = os.openpty()
    process = guarded.shop.start("login", stdin=terminal, stderr=terminal, start_new_session=True)
    os.close(terminal)
    said = b""
    for question, answer in ((b"Name: ", "anna"), (b"Password of anna: ", PASSWORD), (b"code: ", code)):
        while question not in said:
            said += os.read(screen, 1000)
        os.write(screen, f"{answer}\n".encode())
    out, _ = process.communicate(timeout=60)
    os.close(screen)

    assert (process.returncode, out) == (0, b"Logged in as anna.\n")
    assert PASSWORD.encode() not in said


def test_an_expired_access_token_is_renewed_without_a_word(guarded: Guarded) -> None:
    guarded.logged_in("anna")
    guarded.expire()
    before = guarded.stored()

    renewed = guarded.run("whoami")

    assert (renewed.stderr, guarded.stored()["user"]) == ("", "anna")
    assert guarded.stored()["access_token"] != before["access_token"]
    assert guarded.stored()["refresh_token"] != before["refresh_token"]
    assert guarded.stored()["expires_at"] > 0


@pytest.mark.assure("S10")
def test_a_renewal_killed_at_any_point_loses_no_login(guarded: Guarded, scale: Callable[[int, int], int]) -> None:
    guarded.logged_in("anna")
    guarded.expire()
    whole = command(guarded.shop, "whoami")
    assert whole.code == 0, whole.err
    used_before = set()

    for point in spread(whole.points, scale(12, whole.points)):
        guarded.expire()
        before = guarded.stored()
        killed = command(guarded.shop, "whoami", point=point)
        assert killed.code == -9, killed.err
        used_before.add(refused_as_used(guarded, before["refresh_token"]))

        again = command(guarded.shop, "whoami")
        assert again.code == 0, f"point {point} of {whole.points}: {again.err}"
        assert guarded.stored()["access_token"] != before["access_token"]
        assert not list(guarded.file.path.parent.glob("*.tmp"))
    assert used_before == {True, False}, "killed before and after the old token was used up"


def refused_as_used(guarded: Guarded, token: str) -> bool:
    with guarded.services() as services, services.auth_database.read() as unit:
        found = sessions.refresh_of(unit, services.auth.code(unit, "refresh", token))
        return found is not None and found.used_at is not None


@pytest.mark.assure("S10")
def test_a_stolen_refresh_token_ends_the_session_also_while_its_successor_waits(guarded: Guarded) -> None:
    issued = guarded.logged_in("anna")
    guarded.expire()
    kept = guarded.file.read()
    assert kept is not None
    guarded.file.write(kept._replace(next_refresh_token=new_refresh_token()))  # as a process killed before its refresh
    with guarded.services() as services:
        services.tokens.refresh(issued.refresh_token or "")  # the thief's
        with services.auth_database.unit() as unit:
            unit.execute("update refresh_token set used_at = used_at - 11000000 where used_at is not null")

    assert "used before, so its session was ended" in guarded.run("whoami", expect=4).stderr


def test_of_several_processes_one_renews_the_login(guarded: Guarded) -> None:
    guarded.logged_in("anna")
    guarded.expire()
    lock = Path(f"{guarded.file.path}.lock")
    with lock.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        started = [guarded.shop.start("whoami") for _ in range(3)]
        deadline = time.monotonic() + 60
        while not all(lock in opened(process) for process in started) and time.monotonic() < deadline:
            time.sleep(0.02)  # until all of them have seen that it has expired, and wait

    outcomes = [process.communicate(timeout=60) for process in started]

    assert [process.returncode for process in started] == [0, 0, 0], outcomes
    with guarded.services() as services, services.auth_database.read() as unit:
        assert unit.value("select count(*) from refresh_token") == 2
        assert unit.value("select count(*) from session where ended_at is not null") == 0


def opened(process: subprocess.Popen[bytes]) -> set[Path]:
    """The files that a process holds open."""
    folder = Path(f"/proc/{process.pid}/fd")
    return {Path(os.readlink(entry)) for entry in folder.iterdir() if entry.is_symlink()}


@pytest.mark.assure("S16")
def test_a_login_that_others_could_read_is_refused(guarded: Guarded) -> None:
    guarded.logged_in("anna")
    guarded.file.path.chmod(0o644)
    assert "chmod 600" in guarded.run("whoami", expect=4).stderr

    guarded.file.path.chmod(0o600)
    guarded.file.path.parent.chmod(0o755)
    assert "chmod 700" in guarded.run("whoami", expect=4).stderr


def test_a_login_that_is_none_is_forgotten_by_the_next(guarded: Guarded) -> None:
    guarded.logged_in("anna")
    guarded.file.path.write_text('{"format": "another"}')
    assert guarded.run("whoami", "-o", "json", expect=4).error["code"] == "login.unreadable"

    said = guarded.run("login", "anna", "--password-stdin", input=PASSWORD).stderr

    assert "forgotten" in said
    guarded.run("whoami")


def test_a_session_that_cannot_be_ended_is_not_forgotten(guarded: Guarded) -> None:
    guarded.logged_in("anna")
    away = guarded.shop.folder / ".shopctl" / "auth.db"
    away.rename(away.with_suffix(".away"))

    guarded.run("logout", expect=3)

    assert guarded.file.path.exists()


def test_each_authentication_database_has_a_login_of_its_own(guarded: Guarded) -> None:
    guarded.logged_in("anna")
    other = guarded.run("whoami", "-o", "json", env={"SHOPCTL_AUTH_DATABASE_URL": NOBODY}, expect=4)
    assert other.error["code"] == "login.missing"
