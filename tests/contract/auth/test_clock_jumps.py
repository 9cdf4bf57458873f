"""A clock that is wrong for a while: nobody is locked out, nothing revives or is good for longer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from contract.conftest import Turned
from shopctl.auth.errors import InvalidGrant, LoginRefused
from shopctl.auth.jose.errors import TokenRefused
from shopctl.auth.keys import DAY, KeyService
from shopctl.auth.logins import LoginService
from shopctl.auth.system import SECOND, AuthSystem
from shopctl.auth.tokens import TokenService
from shopctl.auth.users import UserService
from shopctl.auth.verifying import VerificationService
from shopctl.kernel import clock

PASSWORD = "violet tractor umbrella 77"
HOUR = 3600 * SECOND
JUMPS = pytest.mark.parametrize(
    "jump", [HOUR, -HOUR, DAY, -DAY], ids=["hour ahead", "hour behind", "day ahead", "day behind"]
)
AHEAD = pytest.mark.parametrize("jump", [HOUR, DAY], ids=["hour", "day"])


@pytest.fixture
def tokens(system: AuthSystem, users: UserService) -> TokenService:
    users.add_person("anna", PASSWORD, email=None, permissions=["stock:read"])
    return TokenService(system, LoginService(system))


@pytest.fixture
def verification(system: AuthSystem) -> VerificationService:
    return VerificationService(system)


@contextmanager
def wrong(turned: Turned, jump: int) -> Iterator[None]:
    """The clock is wrong by `jump` until the end."""
    turned.time += jump
    yield
    turned.time -= jump


def holds(verification: VerificationService, token: str) -> bool:
    try:
        verification.verify(token)
    except TokenRefused:
        return False
    return True


@pytest.mark.assure("R9")
@JUMPS
def test_who_logged_in_by_a_wrong_clock_goes_on_by_the_right_one(
    tokens: TokenService, verification: VerificationService, turned: Turned, jump: int
) -> None:
    with wrong(turned, jump):
        issued = tokens.issue_to_user("anna", PASSWORD, source="home")
        assert holds(verification, issued.access_token)

    assert issued.refresh_token
    refreshed = tokens.refresh(issued.refresh_token)
    assert holds(verification, refreshed.access_token)
    with pytest.raises(InvalidGrant, match="used before"):
        tokens.refresh(issued.refresh_token)
    assert holds(verification, tokens.issue_to_user("anna", PASSWORD, source="home").access_token)


@pytest.mark.assure("R9")
@JUMPS
def test_nothing_is_good_for_longer_than_the_jump(
    system: AuthSystem, tokens: TokenService, verification: VerificationService, turned: Turned, jump: int
) -> None:
    began = turned.time
    with wrong(turned, jump):
        by_wrong_clock = tokens.issue_to_user("anna", PASSWORD, source="home")
    by_right_clock = tokens.issue_to_user("anna", PASSWORD, source="home")
    policy = system.policy

    for issued, offset in ((by_wrong_clock, 0), (by_right_clock, jump)):  # issued wrong, or judged wrong
        assert issued.refresh_token
        turned.time = began + abs(jump) + policy.access_token_seconds * SECOND + offset
        assert not holds(verification, issued.access_token)
        turned.time = began + abs(jump) + policy.refresh_token_seconds * SECOND + offset
        with pytest.raises(InvalidGrant, match="expired"):
            tokens.refresh(issued.refresh_token)


@pytest.mark.assure("R9")
@AHEAD
def test_a_session_ended_while_it_seemed_expired_does_not_revive(
    system: AuthSystem, tokens: TokenService, users: UserService, turned: Turned, jump: int
) -> None:
    system.policy = replace(system.policy, session_seconds=1800)
    issued = tokens.issue_to_user("anna", PASSWORD, source="home")
    with wrong(turned, jump):
        users.set_password("anna", "another violet tractor 78")

    with pytest.raises(InvalidGrant, match="session has ended"):
        tokens.refresh(issued.refresh_token or "")


@pytest.mark.assure("R9")
@AHEAD
def test_a_secret_made_by_a_clock_ahead_ends_with_the_next_one(
    tokens: TokenService, users: UserService, turned: Turned, jump: int
) -> None:
    with wrong(turned, jump):
        made = users.add_service("robot", permissions=["catalogue:read"])
    assert made.client_secret
    assert tokens.issue_to_client("robot", made.client_secret).access_token

    fresh = users.rotate_secret("robot")

    with pytest.raises(LoginRefused):
        tokens.issue_to_client("robot", made.client_secret)
    assert tokens.issue_to_client("robot", fresh.client_secret or "").access_token


@pytest.mark.assure("R9")
@AHEAD
def test_a_theft_is_seen_although_the_token_was_used_by_a_clock_ahead(
    tokens: TokenService, turned: Turned, jump: int
) -> None:
    stolen = tokens.issue_to_user("anna", PASSWORD, source="home").refresh_token or ""
    with wrong(turned, jump):
        taken = tokens.refresh(stolen).refresh_token or ""

    with pytest.raises(InvalidGrant, match="its session was ended"):
        tokens.refresh(stolen)
    with pytest.raises(InvalidGrant, match="session has ended"):
        tokens.refresh(taken)


@pytest.mark.assure("R9")
@JUMPS
def test_rotation_by_age_goes_on_with_one_active_key(
    system: AuthSystem, tokens: TokenService, verification: VerificationService, turned: Turned, jump: int
) -> None:
    keys, age = KeyService(system), system.policy.key_rotation_days * DAY
    keys.rotate()
    began = turned.time
    turned.time = began + age - abs(jump) // 2  # not old enough by the right clock, but by one that is ahead
    issued = tokens.issue_to_user("anna", PASSWORD, source="home")

    with wrong(turned, jump):
        assert keys.rotate(due=True).rotated == (jump > 0)
        rotated_wrong = keys.rotate()
        assert not keys.rotate(due=True).rotated
        turned.time += 60 * SECOND
    assert not keys.rotate(due=True).rotated

    states = [key["state"] for key in keys.list() if key["state"] != "disabled"]
    assert (states.count("active"), states.count("next")) == (1, 1)
    assert holds(verification, issued.access_token), "what a former key signed is good until it expires"
    assert holds(verification, tokens.refresh(issued.refresh_token or "").access_token)
    turned.time += age + abs(jump)
    assert keys.rotate(due=True).passive == rotated_wrong.active, "the jump delays a rotation by itself at most"
    turned.time += system.policy.access_token_seconds * SECOND + abs(jump)
    keys.rotate(due=True)
    assert sorted(key["state"] for key in keys.list() if key["state"] != "disabled") == ["active", "next"]


@pytest.mark.assure("R9")
def test_a_trail_written_by_a_jumping_clock_verifies(system: AuthSystem, turned: Turned) -> None:
    audit, count = system.audit, 0
    for jump in (HOUR, -HOUR, DAY, -DAY, -DAY, DAY, 0):
        with wrong(turned, jump):
            for number in range(3):
                with system.database.unit() as unit:
                    audit.record(unit, "test.jump", str(jump), {"number": number})
                count += 1
            if jump != DAY:
                audit.seal()
    kept = audit.checkpoint()

    verified = audit.verify(kept)

    assert (verified.ok, verified.entries, verified.unsealed.entries) == (True, count, 0), verified.findings
    listed = [entry.id for entry in audit.entries(limit=100)]
    assert listed == sorted(listed, reverse=True)
    assert len(listed) == count


@pytest.mark.assure("R9")
@pytest.mark.parametrize("change", ["2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"], ids=["spring", "autumn"])
def test_daylight_saving_time_changes_nothing(
    system: AuthSystem,
    tokens: TokenService,
    verification: VerificationService,
    turned: Turned,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        turned.time = clock.parse(change) - 60 * SECOND
        issued = tokens.issue_to_user("anna", PASSWORD, source="home")
        lasts = system.policy.access_token_seconds
        for seconds, good in ((61, True), (lasts - 1, True), (lasts, False)):
            turned.time = clock.parse(change) + (seconds - 60) * SECOND
            assert holds(verification, issued.access_token) == good
        assert tokens.refresh(issued.refresh_token or "")
        shown = clock.show(clock.parse(change) + 90 * 60 * SECOND)
        assert shown == change.replace("01:00", "02:30"), "an hour that a wall clock skips or has twice"
        assert clock.parse(shown.removesuffix("Z")) == clock.parse(change) + 90 * 60 * SECOND
    finally:
        monkeypatch.undo()
        time.tzset()
