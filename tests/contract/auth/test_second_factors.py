"""One-time codes: enrolled, confirmed, asked for, good once; recovery codes instead of them, each good once."""

from __future__ import annotations

import pytest

from contract.conftest import Turned
from shopctl.auth.errors import (
    CodeNeeded,
    CodeWrong,
    LoginRefused,
    NoSecondFactor,
    PasswordNeedsFactor,
    Throttled,
    WrongKindOfUser,
)
from shopctl.auth.logins import LoginService
from shopctl.auth.one_time import PERIOD, code_at
from shopctl.auth.password_errors import PasswordTooShort
from shopctl.auth.second_factors import SecondFactorService
from shopctl.auth.system import AuthSystem
from shopctl.auth.users import UserService

PASSWORD = "violet tractor umbrella 77"


@pytest.fixture
def factors(system: AuthSystem, users: UserService) -> SecondFactorService:
    users.add_person("anna", PASSWORD, email=None)
    return SecondFactorService(system)


@pytest.fixture
def logins(system: AuthSystem) -> LoginService:
    return LoginService(system)


def confirmed(factors: SecondFactorService, turned: Turned) -> tuple[str, list[str]]:
    """The secret of a confirmed generator and the recovery codes."""
    secret = factors.enrol("anna").secret
    codes = factors.confirm("anna", code_at(secret, turned.time // PERIOD))
    turned.time += PERIOD
    return secret, codes


def test_nothing_changes_until_a_code_confirms_it(
    factors: SecondFactorService, logins: LoginService, turned: Turned
) -> None:
    factors.enrol("anna")
    assert logins.prove("anna", PASSWORD, code=None, source="home").methods == "pwd"
    with pytest.raises(CodeWrong):
        factors.confirm("anna", "000000")

    assert not factors.show("anna")["second_factor"]
    confirmed(factors, turned)
    assert factors.show("anna")["recovery_codes"] == 10
    with pytest.raises(CodeNeeded):
        logins.prove("anna", PASSWORD, code=None, source="home")


def test_a_code_is_good_once_and_for_half_a_minute_to_either_side(
    factors: SecondFactorService, logins: LoginService, turned: Turned
) -> None:
    secret, _ = confirmed(factors, turned)
    step = turned.time // PERIOD

    def login(code: str) -> str:
        return logins.prove("anna", PASSWORD, code=code, source="home").methods

    assert login(f"{code_at(secret, step + 1)[:3]} {code_at(secret, step + 1)[3:]}") == "pwd otp"
    for used in (step + 1, step, step - 1):
        with pytest.raises(LoginRefused):
            login(code_at(secret, used))
    turned.time += 4 * PERIOD
    with pytest.raises(LoginRefused):
        login(code_at(secret, turned.time // PERIOD - 2))


@pytest.mark.assure("R9")
@pytest.mark.parametrize("ahead", [3600, 86400])
def test_a_clock_that_was_ahead_uses_up_no_codes_to_come(
    factors: SecondFactorService, logins: LoginService, turned: Turned, ahead: int
) -> None:
    secret, _ = confirmed(factors, turned)
    turned.time += ahead * 1_000_000
    assert logins.prove("anna", PASSWORD, code=code_at(secret, turned.time // PERIOD), source="home")
    turned.time -= ahead * 1_000_000

    code = code_at(secret, turned.time // PERIOD)
    assert logins.prove("anna", PASSWORD, code=code, source="home")
    with pytest.raises(LoginRefused):
        logins.prove("anna", PASSWORD, code=code, source="home")


def test_a_recovery_code_is_good_once(factors: SecondFactorService, logins: LoginService, turned: Turned) -> None:
    _, codes = confirmed(factors, turned)

    assert logins.prove("anna", PASSWORD, code=codes[0].upper(), source="home").methods == "pwd otp"
    with pytest.raises(LoginRefused):
        logins.prove("anna", PASSWORD, code=codes[0], source="home")
    assert factors.show("anna")["recovery_codes"] == 9
    renewed = factors.renew_codes("anna")
    with pytest.raises(LoginRefused):
        logins.prove("anna", PASSWORD, code=codes[1], source="home")
    assert logins.prove("anna", PASSWORD, code=renewed[0], source="home")


def test_a_right_password_gives_no_free_guesses_of_codes(
    factors: SecondFactorService, logins: LoginService, turned: Turned
) -> None:
    confirmed(factors, turned)
    with pytest.raises(Throttled):
        for number in range(12):
            try:
                logins.prove("anna", PASSWORD, code=None if number % 2 else "000000", source="thief")
            except (LoginRefused, CodeNeeded):
                continue


def test_a_lost_generator_is_replaced_only_once_the_new_one_is_confirmed(
    factors: SecondFactorService, logins: LoginService, turned: Turned
) -> None:
    old, _ = confirmed(factors, turned)
    new = factors.enrol("anna").secret

    assert logins.prove("anna", PASSWORD, code=code_at(old, turned.time // PERIOD), source="home")
    factors.confirm("anna", code_at(new, turned.time // PERIOD))
    turned.time += PERIOD
    with pytest.raises(LoginRefused):
        logins.prove("anna", PASSWORD, code=code_at(old, turned.time // PERIOD), source="home")
    assert logins.prove("anna", PASSWORD, code=code_at(new, turned.time // PERIOD), source="home")

    factors.remove("anna")
    assert logins.prove("anna", PASSWORD, code=None, source="home").methods == "pwd"
    with pytest.raises(NoSecondFactor):
        factors.renew_codes("anna")


@pytest.mark.assure("S1")
def test_a_second_factor_allows_a_shorter_password(
    factors: SecondFactorService, users: UserService, turned: Turned
) -> None:
    with pytest.raises(PasswordTooShort):
        users.set_password("anna", "vxq7 tplm")

    confirmed(factors, turned)

    assert users.set_password("anna", "vxq7 tplm")["changed"]
    with pytest.raises(PasswordNeedsFactor):
        factors.remove("anna")
    users.set_password("anna", "another violet tractor")
    assert not factors.remove("anna")["second_factor"]


def test_a_service_has_none(factors: SecondFactorService, users: UserService) -> None:
    users.add_service("robot")
    with pytest.raises(WrongKindOfUser):
        factors.enrol("robot")
