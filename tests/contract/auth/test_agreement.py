"""`db check` finds what does not agree in the Authentication Database."""

from __future__ import annotations

import pytest

from shopctl.auth.logins import LoginService
from shopctl.auth.roles import RoleService
from shopctl.auth.system import AuthSystem
from shopctl.auth.tokens import TokenService
from shopctl.auth.users import UserService
from shopctl.operations.consistency import account_agreement

PASSWORD = "violet tractor umbrella 77"
SPOILT = {
    "one key signs": "update signing_key set state = 'passive' where state = 'active'",
    "a disabled key has no private half": "update signing_key set private = null where state = 'next'",
    "kinds and states are known": "update account set state = 'asleep' where name = 'anna'",
    "persons have passwords, services have secrets": "update account set kind = 'service' where name = 'anna'",
    "no role inherits from itself": "insert into role_parent (role, parent) values ('reader', 'clerk')",
    "a token is its session's user's": """update access_token set session_id = (select max(id) from session),
                                                 account_id = (select id from account where name = 'robot')""",
    "a session has one refresh token at most that is not used": "update refresh_token set used_at = null",
    "account.email is sealed under a key that is there": "update account set email = 'anna@example.org'",
    "password.hash is sealed under a key that is there": "update password set hash = 's1.000000000000.AAAA'",
    "signing_key.private is sealed under a key that is there": "update signing_key set private = 's1'",
}


@pytest.fixture
def staffed(system: AuthSystem, users: UserService) -> AuthSystem:
    roles = RoleService(system)
    roles.create("reader")
    roles.create("clerk", parents=["reader"])
    users.add_person("anna", PASSWORD, email="anna@example.org", roles=["clerk"])
    users.add_service("robot")
    tokens = TokenService(system, LoginService(system))
    tokens.refresh(tokens.issue_to_user("anna", PASSWORD, source="home").refresh_token or "")
    return system


def test_what_the_server_writes_agrees(staffed: AuthSystem) -> None:
    with staffed.database.read() as unit:
        found = [*account_agreement(unit)]

    assert {finding.state for finding in found} == {"ok"}
    assert SPOILT.keys() <= {finding.check for finding in found}


@pytest.mark.parametrize("check", SPOILT)
def test_what_does_not_agree_is_found(staffed: AuthSystem, check: str) -> None:
    with staffed.database.unit() as unit:
        unit.execute(SPOILT[check])
        found = {finding.check: finding for finding in account_agreement(unit)}

    assert found[check].state == "differs"
    assert found[check].example
