"""Logins are throttled by place, never in a way that locks the owner out, and nobody learns who has an account."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from contract.conftest import Turned
from shopctl.auth.errors import LoginRefused, Throttled
from shopctl.auth.logins import LoginService
from shopctl.auth.system import SECOND, AuthSystem
from shopctl.auth.users import UserService
from shopctl.kernel.errors import ShopctlError
from support.parts import FULL

PASSWORD = "violet tractor umbrella 77"


@pytest.fixture
def logins(system: AuthSystem, users: UserService) -> LoginService:
    found = LoginService(system)
    users.add_person("anna", PASSWORD, email="anna@example.org")
    return found


def outcome(logins: LoginService, who: str, password: str, source: str) -> type[ShopctlError] | None:
    try:
        logins.prove(who, password, code=None, source=source)
    except (LoginRefused, Throttled) as refused:
        return type(refused)
    return None


@pytest.mark.assure("S6")
def test_a_thousand_bad_logins_from_one_place_leave_the_owner_free(
    logins: LoginService, scale: Callable[[int, int], int]
) -> None:
    outcomes = [outcome(logins, "anna", f"guess {number}", "attacker") for number in range(scale(60, 1000))]

    assert outcomes[:5] == [LoginRefused] * 5
    assert set(outcomes[5:]) == {Throttled}, "all later ones wait, whatever they guess"
    assert outcome(logins, "anna", PASSWORD, "attacker") is Throttled, "also the right one, from there"
    assert outcome(logins, "anna", PASSWORD, "home") is None
    assert outcome(logins, "anna@example.org", PASSWORD, "home") is None


@pytest.mark.assure("S6")
def test_the_wait_grows_to_a_bound_and_ends(system: AuthSystem, logins: LoginService, turned: Turned) -> None:
    waits = []
    for _ in range(20):
        while True:
            try:
                logins.prove("anna", "wrong", code=None, source="attacker")
            except Throttled as refused:
                seconds = refused.facts["seconds"]
                assert isinstance(seconds, int)
                waits.append(seconds)
                turned.time += seconds * SECOND
            except LoginRefused:
                break

    assert waits[:4] == [1, 2, 4, 8]
    assert max(waits) == system.policy.throttle_longest_wait
    turned.time += system.policy.throttle_longest_wait * SECOND
    assert outcome(logins, "anna", PASSWORD, "attacker") is None, "the bound is the worst that ever happens"


@pytest.mark.assure("S6")
def test_guesses_from_many_places_cost_a_stranger_seconds_and_a_familiar_place_nothing(
    system: AuthSystem, logins: LoginService, users: UserService, turned: Turned
) -> None:
    system.policy = replace(system.policy, throttle_attempts=1)
    assert outcome(logins, "anna", PASSWORD, "home") is None
    for number in range(20):
        outcome(logins, "anna", "wrong", f"bot {number}")

    assert outcome(logins, "anna", "wrong", "another bot") is Throttled
    assert outcome(logins, "anna", PASSWORD, "home") is None
    turned.time += 10 * SECOND
    assert outcome(logins, "anna", PASSWORD, "a hotel") is None


@pytest.mark.assure("S6")
def test_many_guesses_at_once_are_no_way_around(logins: LoginService, another_system: Callable[[], AuthSystem]) -> None:
    tried: list[type[ShopctlError] | None] = []
    start = threading.Barrier(12)

    def guess() -> None:
        mine = LoginService(another_system())
        start.wait()
        tried.append(outcome(mine, "anna", "wrong", "attacker"))
        mine._system.database.close()

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert tried.count(LoginRefused) == 5
    assert tried.count(Throttled) == 7


@pytest.mark.assure("S6")
def test_unlocking_lets_the_next_login_through_and_is_audited(
    system: AuthSystem, logins: LoginService, users: UserService
) -> None:
    for _ in range(6):
        outcome(logins, "anna", "wrong", "home")
    assert outcome(logins, "anna", PASSWORD, "home") is Throttled

    assert users.unlock("anna")["unlocked"]

    assert outcome(logins, "anna", PASSWORD, "home") is None
    assert [entry.subject for entry in system.audit.entries(action="user.unlock", limit=9)] == ["anna"]


def test_a_success_wipes_the_slate_and_failures_are_forgotten(logins: LoginService, turned: Turned) -> None:
    for _ in range(3):
        for _ in range(4):
            outcome(logins, "anna", "wrong", "home")
        assert outcome(logins, "anna", PASSWORD, "home") is None
    for _ in range(5):
        outcome(logins, "anna", "wrong", "home")
    turned.time += 2 * 3600 * SECOND
    for _ in range(4):
        assert outcome(logins, "anna", "wrong", "home") is LoginRefused


def test_mistypes_at_a_busy_address_do_not_add_up(
    system: AuthSystem, logins: LoginService, users: UserService, turned: Turned
) -> None:
    system.policy = replace(system.policy, throttle_attempts=1)  # so ten for an address
    for number in range(15):
        assert outcome(logins, f"somebody {number}", "wrong", "office") is LoginRefused
        turned.time += 300 * SECOND
        assert outcome(logins, "anna", PASSWORD, "office") is None
        turned.time += 300 * SECOND


@pytest.mark.assure("R9")
@pytest.mark.parametrize("ahead", [3600, 86400])
def test_a_clock_that_was_ahead_locks_nobody_out(
    system: AuthSystem, logins: LoginService, turned: Turned, ahead: int
) -> None:
    turned.time += ahead * SECOND
    for _ in range(9):
        outcome(logins, "anna", "wrong", "home")
    turned.time -= ahead * SECOND

    assert outcome(logins, "anna", PASSWORD, "home") is Throttled
    turned.time += system.policy.throttle_longest_wait * SECOND
    assert outcome(logins, "anna", PASSWORD, "home") is None


def test_what_was_typed_as_a_name_is_not_recorded(system: AuthSystem, logins: LoginService) -> None:
    for _ in range(7):
        outcome(logins, PASSWORD, PASSWORD, "home")

    entries = [*system.audit.entries(action="auth.", limit=9)]

    assert entries, "that somebody is throttled is recorded"
    assert not any(PASSWORD in f"{entry.subject} {entry.facts}" for entry in entries)


def test_a_login_from_a_new_place_is_recorded(system: AuthSystem, logins: LoginService) -> None:
    outcome(logins, "anna", PASSWORD, "home")
    assert not [*system.audit.entries(action="auth.new_source", limit=9)]

    outcome(logins, "anna", PASSWORD, "a hotel")
    outcome(logins, "anna", PASSWORD, "a hotel")

    assert [entry.subject for entry in system.audit.entries(action="auth.new_source", limit=9)] == ["anna"]


@pytest.mark.assure("S5")
def test_a_known_and_an_unknown_user_are_refused_alike_and_as_fast(
    system: AuthSystem, logins: LoginService, users: UserService, scale: Callable[[int, int], int]
) -> None:
    system.policy = replace(system.policy, throttle_attempts=10**6)  # the refusals themselves are compared
    users.add_person("otto", PASSWORD, email=None)
    users.disable("otto")
    took: dict[str, list[float]] = {"anna": [], "nobody": [], "otto": []}
    said = set()
    # In short by processor time, since other tests run beside this one; the full count by the clock on the wall.
    clock = time.perf_counter if FULL else time.thread_time
    for number in range(scale(15, 500)):
        for who, times in took.items():
            began = clock()
            try:
                logins.prove(who, PASSWORD if who == "otto" else "wrong", code=None, source=f"{who} {number}")
            except ShopctlError as refused:
                said.add((type(refused), refused.message, refused.advice, refused.exit_code))
            times.append(clock() - began)

    assert len(said) == 1
    medians = [statistics.median(times) for times in took.values()]
    assert max(medians) - min(medians) < 0.005, took


@pytest.mark.assure("S4")
def test_a_foreign_hash_is_upgraded_at_the_first_login(
    system: AuthSystem, logins: LoginService, users: UserService
) -> None:
    import bcrypt

    from shopctl.authdb import accounts, credentials

    foreign = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    with system.database.unit() as unit:
        account = accounts.need(unit, system.sealer, "anna")
        credentials.set_password_hash(unit, system.sealer, account.id, foreign, "bcrypt cost 4", system.clock.now())
    assert [row["kind"] for row in users.hashes()] == ["bcrypt cost 4"]

    assert outcome(logins, "anna", PASSWORD, "home") is None

    assert [row["kind"] for row in users.hashes()] == ["shopctl bcrypt cost 10"]
    assert outcome(logins, "anna", PASSWORD, "home") is None
