"""Tokens: what is true of a user now decides about them; refresh tokens are good once; of many at once one wins."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from contract.conftest import Turned
from shopctl.auth.errors import InvalidAudience, InvalidGrant, LoginRefused, ScopeNotGranted, TokenNotFound
from shopctl.auth.jose.errors import TokenRefused
from shopctl.auth.keys import KeyService
from shopctl.auth.logins import LoginService
from shopctl.auth.personal_tokens import PersonalTokenService
from shopctl.auth.roles import RoleService
from shopctl.auth.system import SECOND, AuthSystem
from shopctl.auth.tokens import Tokens, TokenService
from shopctl.auth.users import UserService
from shopctl.auth.verifying import PermissionMissing, VerificationService

PASSWORD = "violet tractor umbrella 77"


@pytest.fixture
def tokens(system: AuthSystem, users: UserService) -> TokenService:
    RoleService(system).create("clerk", permissions=["catalogue:write", "purchase:refund:pur_01*"])
    users.add_person("anna", PASSWORD, email=None, roles=["clerk"], permissions=["stock:read"])
    return TokenService(system, LoginService(system))


@pytest.fixture
def verification(system: AuthSystem) -> VerificationService:
    return VerificationService(system)


def login(tokens: TokenService, *scope: str) -> Tokens:
    return tokens.issue_to_user("anna", PASSWORD, scope=scope, source="home")


def refused(verification: VerificationService, token: str) -> str:
    with pytest.raises(TokenRefused) as raised:
        verification.verify(token)
    return raised.value.check


def test_a_token_says_who_may_do_what(tokens: TokenService, verification: VerificationService) -> None:
    issued = login(tokens)

    claims = verification.verify(issued.access_token)

    assert issued.scope.split() == ["catalogue:write", "purchase:refund:pur_01*", "stock:read"]
    assert claims.roles == ("clerk",)
    assert claims.entitlements == claims.scope == tuple(issued.scope.split())
    assert claims.exp - claims.iat == issued.expires_in == 900


def test_a_scope_narrows_and_never_widens(tokens: TokenService, verification: VerificationService) -> None:
    issued = login(tokens, "catalogue:*", "payment:void")

    assert issued.scope == "catalogue:write"
    caller = verification.caller(issued.access_token)
    caller.require("catalogue:write:MUG-1")
    with pytest.raises(PermissionMissing):
        caller.require("stock:read")
    with pytest.raises(ScopeNotGranted):
        login(tokens, "payment:void")


def test_a_service_shows_its_secret(tokens: TokenService, users: UserService) -> None:
    made = users.add_service("robot", permissions=["catalogue:read"])
    assert made.client_id
    assert made.client_secret

    issued = tokens.issue_to_client(made.client_id, made.client_secret)

    assert (issued.scope, issued.refresh_token) == ("catalogue:read", None)
    for client, secret in ((made.client_id, "cs_wrong"), ("nobody", made.client_secret), ("anna", made.client_secret)):
        with pytest.raises(LoginRefused):
            tokens.issue_to_client(client, secret)
    users.rotate_secret("robot")
    with pytest.raises(LoginRefused):
        tokens.issue_to_client(made.client_id, made.client_secret)


@pytest.mark.assure("S9")
@pytest.mark.parametrize("event", ["logout", "disable", "role", "permission", "password", "role forbid", "key"])
def test_the_next_request_is_refused(
    system: AuthSystem, tokens: TokenService, users: UserService, verification: VerificationService, event: str
) -> None:
    issued = login(tokens)
    claims = verification.verify(issued.access_token)

    {
        "logout": lambda: tokens.revoke(issued.refresh_token or ""),
        "disable": lambda: users.disable("anna"),
        "role": lambda: users.revoke("anna", roles=["clerk"]),
        "permission": lambda: users.revoke("anna", ["stock:read"]),
        "password": lambda: users.set_password("anna", "another violet tractor 78"),
        "role forbid": lambda: RoleService(system).forbid("clerk", ["catalogue:write"]),
        "key": lambda: KeyService(system).revoke(KeyService(system).list()[-1]["kid"]),
    }[event]()

    assert refused(verification, issued.access_token) == ("key" if event == "key" else "revoked")
    assert not verification.introspect(issued.access_token)["active"]
    if event in ("logout", "disable", "password"):
        with pytest.raises(InvalidGrant):
            tokens.refresh(issued.refresh_token or "")
    if event == "disable":
        users.enable("anna")
        assert refused(verification, issued.access_token) == "revoked", "what was issued before stays refused"
    assert claims.sid


def test_gaining_something_refuses_nothing(
    tokens: TokenService, users: UserService, verification: VerificationService
) -> None:
    issued = login(tokens)

    users.grant("anna", ["audit:read"])
    users.revoke("anna", ["audit:write"])  # she never had it

    assert verification.verify(issued.access_token)


def test_a_token_ends_with_its_time(tokens: TokenService, verification: VerificationService, turned: Turned) -> None:
    issued = login(tokens)

    turned.time += 899 * SECOND
    assert verification.verify(issued.access_token)
    turned.time += SECOND
    assert refused(verification, issued.access_token) == "expiry"


@pytest.mark.assure("S8")
def test_a_token_for_somebody_else_or_from_somebody_else_is_refused(
    tokens: TokenService, verification: VerificationService
) -> None:
    other = tokens.issue_to_user("anna", PASSWORD, audience="warehouse", source="home")

    for strange in ("ware\nhouse", "\x1b[31m", " "):
        with pytest.raises(InvalidAudience):
            tokens.issue_to_user("anna", PASSWORD, audience=strange, source="home")
    assert refused(verification, other.access_token) == "audience"
    assert verification.verify(other.access_token, audience="warehouse")


@pytest.mark.assure("S10")
def test_a_refresh_token_is_good_once_and_a_late_second_use_ends_the_session(
    tokens: TokenService, verification: VerificationService, turned: Turned
) -> None:
    first = login(tokens)
    second = tokens.refresh(first.refresh_token or "")
    assert verification.verify(second.access_token)

    with pytest.raises(InvalidGrant):
        tokens.refresh(first.refresh_token or "")
    third = tokens.refresh(second.refresh_token or "")  # within ten seconds nothing was ended

    turned.time += 11 * SECOND
    with pytest.raises(InvalidGrant, match="session was ended"):
        tokens.refresh(first.refresh_token or "")
    with pytest.raises(InvalidGrant):
        tokens.refresh(third.refresh_token or "")
    assert refused(verification, third.access_token) == "revoked"


@pytest.mark.assure("S10")
def test_a_request_that_waited_for_its_turn_is_no_theft(tokens: TokenService, turned: Turned) -> None:
    first = login(tokens)
    second = tokens.refresh(first.refresh_token or "", waited=20 * SECOND)

    turned.time += 15 * SECOND
    with pytest.raises(InvalidGrant, match=r"used before\."):
        tokens.refresh(first.refresh_token or "", waited=20 * SECOND)
    third = tokens.refresh(second.refresh_token or "")

    with pytest.raises(InvalidGrant, match="session was ended"):
        tokens.refresh(first.refresh_token or "", waited=4 * SECOND)
    with pytest.raises(InvalidGrant):
        tokens.refresh(third.refresh_token or "")


@pytest.mark.assure("S7")
def test_who_only_knows_the_id_of_a_token_cannot_make_one_up_to_revoke_it(
    system: AuthSystem, tokens: TokenService, verification: VerificationService
) -> None:
    token = login(tokens).access_token
    header, payload, signature = token.split(".")
    other = login(tokens).access_token.split(".")[2]

    for forged in (
        f"{header}.{payload}.{other}",
        f"{header}.{payload}.",
        f".{payload}.",
        f"{payload}.{payload}.{signature}",
    ):
        with pytest.raises(TokenNotFound):
            tokens.revoke(forged)
    assert verification.verify(token)

    KeyService(system).rotate()
    assert tokens.revoke(token)["revoked"], "a former key signed it"


@pytest.mark.assure("S10")
def test_of_fifty_refreshes_at_once_one_wins_and_the_session_goes_on(
    tokens: TokenService, another_system: Callable[[], AuthSystem], scale: Callable[[int, int], int]
) -> None:
    token = login(tokens).refresh_token or ""
    won, lost = race([lambda mine: mine.refresh(token)] * scale(16, 50), another_system)

    assert len(won) == 1
    assert {type(error) for error in lost} == {InvalidGrant}
    assert tokens.refresh(won[0].refresh_token or "")


@pytest.mark.assure("S10")
def test_no_refresh_survives_a_revocation_at_the_same_moment(
    tokens: TokenService,
    verification: VerificationService,
    another_system: Callable[[], AuthSystem],
    scale: Callable[[int, int], int],
) -> None:
    for _ in range(scale(8, 200)):
        issued = login(tokens)
        token = issued.refresh_token or ""
        won, _ = race([lambda mine, t=token: mine.refresh(t), lambda mine, t=token: mine.revoke(t)], another_system)

        for found in (each for each in won if isinstance(each, Tokens)):
            assert refused(verification, found.access_token) == "revoked"
            with pytest.raises(InvalidGrant):
                tokens.refresh(found.refresh_token or "")


@pytest.mark.assure("S9")
def test_a_personal_token_permits_what_its_user_may_until_it_ends(
    system: AuthSystem, tokens: TokenService, users: UserService, verification: VerificationService, turned: Turned
) -> None:
    personal = PersonalTokenService(system)
    made = personal.create("anna", "nightly export", scope=["catalogue:*"], lasting=3600)

    assert verification.caller(made.access_token).permissions == ["catalogue:write"]
    assert verification.introspect(made.access_token)["username"] == "anna"
    users.grant("anna", ["catalogue:read"])
    assert verification.caller(made.access_token).permissions == ["catalogue:read", "catalogue:write"]
    (row,) = personal.list("anna")
    assert row["last_used_at"]
    explained = verification.explain(made.access_token)
    assert explained["accepted"]
    assert explained["claims"] == verification.verify(made.access_token).members()
    with system.database.read() as unit:
        assert made.access_token not in str(unit.tuples("select * from personal_token"))

    users.revoke("anna", ["catalogue:read"])
    assert refused(verification, made.access_token) == "revoked"
    assert verification.explain(made.access_token)["checks"][-1]["outcome"] == "failed"
    again = personal.create("anna", "nightly export", scope=[], lasting=3600)
    assert tokens.revoke(again.token_id)["revoked"]
    assert refused(verification, again.access_token) == "revoked"
    third = personal.create("anna", "nightly export", scope=[], lasting=3600)
    turned.time += 3600 * SECOND
    assert refused(verification, third.access_token) == "expiry"
    with pytest.raises(ScopeNotGranted):
        personal.create("anna", "too much", scope=["payment:void"], lasting=1)


def test_what_is_not_known_cannot_be_revoked(tokens: TokenService) -> None:
    for unknown in ("", "rt_nothing", "tok_nothing", "ses_nothing", "a.b.c"):
        with pytest.raises(TokenNotFound):
            tokens.revoke(unknown)


def test_a_token_with_a_good_signature_and_no_record_is_refused(
    system: AuthSystem, tokens: TokenService, verification: VerificationService
) -> None:
    issued = login(tokens)
    with system.database.unit() as unit:
        unit.execute("delete from access_token")

    assert refused(verification, issued.access_token) == "revoked"
    assert verification.explain(issued.access_token)["checks"][-1]["outcome"] == "failed"


@pytest.mark.assure("S14")
def test_after_a_rotation_the_new_key_signs_and_old_tokens_hold_until_they_expire(
    system: AuthSystem, tokens: TokenService, verification: VerificationService, turned: Turned
) -> None:
    keys = KeyService(system)
    before = login(tokens)

    rotated = keys.rotate()
    after = login(tokens)

    assert verification.explain(after.access_token)["header"]["kid"] == rotated.active != rotated.passive
    assert verification.verify(before.access_token)
    assert {key["state"]: key["tokens"] for key in keys.list()} == {"next": 0, "active": 1, "passive": 1}
    assert len(keys.jwks()["keys"]) == 3
    assert not any("d" in key for key in keys.jwks()["keys"])
    with pytest.raises(Exception, match="token"):
        keys.retire(rotated.passive or "")
    turned.time += 901 * SECOND
    assert keys.retire(rotated.passive or "")["state"] == "disabled"
    assert len(keys.jwks()["keys"]) == 2


@pytest.mark.assure("S14")
def test_keys_are_rotated_by_age_and_used_up_ones_go(system: AuthSystem, turned: Turned) -> None:
    keys = KeyService(system)
    assert not keys.rotate(due=True).rotated
    turned.time += 100 * 86400 * SECOND
    planned = keys.rotate(due=True, dry_run=True)
    assert planned.rotated
    assert [key["state"] for key in keys.list()].count("passive") == 0, "a plan changes nothing"

    assert keys.rotate(due=True).rotated
    assert not keys.rotate(due=True).rotated
    turned.time += 100 * 86400 * SECOND
    keys.rotate(due=True)

    assert [key["state"] for key in keys.list()].count("disabled") == 1


def test_what_expired_is_forgotten_after_a_week(system: AuthSystem, tokens: TokenService, turned: Turned) -> None:
    login(tokens)
    turned.time += 92 * 86400 * SECOND  # a session lasts ninety days at most
    login(tokens)
    KeyService(system).rotate(due=True)

    def kept() -> list[int]:
        with system.database.read() as unit:
            return [unit.value(f"select count(*) from {name}") for name in ("session", "access_token", "refresh_token")]

    assert kept() == [2, 1, 2], "the first session has ended two days ago, its access token long before"
    turned.time += 6 * 86400 * SECOND
    KeyService(system).rotate(due=True)
    assert kept() == [1, 1, 1]


@pytest.mark.assure("S14")
def test_an_emergency_leaves_a_key_that_signs(
    system: AuthSystem, tokens: TokenService, verification: VerificationService
) -> None:
    keys = KeyService(system)
    stolen = login(tokens)
    active = next(key["kid"] for key in keys.list() if key["state"] == "active")

    assert keys.revoke(active)["refused"] == 1

    assert refused(verification, stolen.access_token) == "key"
    assert verification.verify(login(tokens).access_token)
    with system.database.read() as unit:
        assert unit.value("select private from signing_key where kid = :kid", kid=active) is None


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256", "HS256"])
def test_every_offered_algorithm_signs(
    system: AuthSystem, tokens: TokenService, verification: VerificationService, algorithm: str
) -> None:
    system.policy = replace(system.policy, algorithm=algorithm)
    keys = KeyService(system)
    keys.rotate()

    issued = login(tokens)

    assert verification.explain(issued.access_token)["header"]["alg"] == algorithm
    assert verification.verify(issued.access_token)
    assert all(key["kty"] != "oct" for key in keys.jwks()["keys"])


def race(
    calls: list[Callable[[TokenService], object]], another_system: Callable[[], AuthSystem]
) -> tuple[list[Tokens], list[Exception]]:
    """Make all calls at the same moment, each on a connection of its own; what they returned and what they raised."""
    won: list[Tokens] = []
    lost: list[Exception] = []
    start = threading.Barrier(len(calls))

    def run(call: Callable[[TokenService], object]) -> None:
        system = another_system()
        mine = TokenService(system, LoginService(system))
        with system.database.read():
            pass
        start.wait()
        try:
            won.append(call(mine))  # type: ignore[arg-type]
        except Exception as error:
            lost.append(error)
        finally:
            system.database.close()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return won, lost
