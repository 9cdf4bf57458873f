"""An access token is taken by the one it was made for, while it lasts, and a refusal says which check failed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shopctl.auth.access_claims import AccessClaims
from shopctl.auth.access_tokens import Expected, explain, sign, verify
from shopctl.auth.jose import compact
from shopctl.auth.jose.errors import TokenRefused
from support.tokens import ALGORITHMS, resigned, ring, signing_key, token_with, unb64

SECOND = 1_000_000
BEGIN = 1_800_000_000  # seconds
NOW = (BEGIN + 10) * SECOND + 123_456
KEY = signing_key("EdDSA")
EXPECTED = Expected("https://auth.example", "shop")
CLAIMS = AccessClaims(
    iss="https://auth.example",
    sub="usr_1",
    aud=("shop",),
    client_id="cli_1",
    exp=BEGIN + 300,
    iat=BEGIN,
    jti="tok_1",
    scope=("catalogue:read", "catalogue:write"),
    roles=("operator",),
    entitlements=("warehouse:berlin",),
    sid="ses_1",
)
MISSING = object()


def made(typ: str | None = "at+jwt", **changes: Any) -> str:
    """A rightly signed token with claims replaced, or taken out."""
    members = {name: value for name, value in (CLAIMS.members() | changes).items() if value is not MISSING}
    return token_with(KEY, members, typ=typ)


def refusal(token: str, *, now: int = NOW, expected: Expected = EXPECTED) -> str:
    """The check that failed, which `explain` names too."""
    with pytest.raises(TokenRefused) as refused:
        verify(token, ring(KEY), expected, now)
    explained = explain(token, ring(KEY), expected, now)
    first = next(check for check in explained.checks if check.outcome != "ok")
    assert (first.name, first.outcome, first.detail) == (refused.value.check, "failed", refused.value.reason)
    assert not explained.accepted
    return refused.value.check


@pytest.mark.assure("S8")
@pytest.mark.parametrize("alg", ALGORITHMS)
def test_the_claims_come_back(alg: str) -> None:
    key = signing_key(alg)
    token = sign(CLAIMS, key)

    assert verify(token, ring(key), EXPECTED, NOW) == CLAIMS
    assert json.loads(unb64(token.partition(".")[0])) == {"alg": alg, "kid": key.kid, "typ": "at+jwt"}


def test_claims_are_written_as_rfc_9068_shows_them() -> None:
    payload = json.loads(unb64(sign(CLAIMS, KEY).split(".")[1]))

    assert payload == {
        "iss": "https://auth.example",
        "sub": "usr_1",
        "aud": "shop",
        "client_id": "cli_1",
        "exp": BEGIN + 300,
        "iat": BEGIN,
        "jti": "tok_1",
        "scope": "catalogue:read catalogue:write",
        "roles": ["operator"],
        "entitlements": ["warehouse:berlin"],
        "sid": "ses_1",
    }


def test_all_optional_claims_come_back_and_may_be_absent() -> None:
    full = CLAIMS._replace(aud=("shop", "store"), nbf=BEGIN, auth_time=BEGIN - 60)
    bare = CLAIMS._replace(scope=(), roles=(), entitlements=(), sid=None)

    for claims in (full, bare):
        assert verify(sign(claims, KEY), ring(KEY), EXPECTED, NOW) == claims


@pytest.mark.assure("S8")
@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"aud": "store"}, "audience"),
        ({"aud": ["store", "Shop"]}, "audience"),
        ({"aud": []}, "audience"),
        ({"aud": ["shop", 1]}, "audience"),
        ({"aud": {"shop": 1}}, "audience"),
        ({"aud": MISSING}, "audience"),
        ({"iss": "https://auth.example/"}, "issuer"),
        ({"iss": "https://evil.example"}, "issuer"),
        ({"iss": ["https://auth.example"]}, "issuer"),
        ({"iss": MISSING}, "issuer"),
        ({"exp": BEGIN + 10}, "expiry"),
        ({"exp": 0}, "expiry"),
        ({"exp": -1}, "expiry"),
        ({"exp": MISSING}, "expiry"),
        ({"exp": None}, "expiry"),
        ({"exp": str(BEGIN + 300)}, "expiry"),
        ({"exp": BEGIN + 300.5}, "expiry"),
        ({"exp": 1e300}, "expiry"),
        ({"exp": True}, "expiry"),
        ({"exp": 10**20}, "expiry"),
        ({"nbf": BEGIN + 11}, "not_before"),
        ({"nbf": "now"}, "not_before"),
        ({"nbf": None}, "not_before"),
        ({"iat": BEGIN + 11}, "issued_at"),
        ({"iat": MISSING}, "issued_at"),
        ({"iat": float(BEGIN)}, "issued_at"),
        ({"sub": MISSING}, "claims"),
        ({"sub": ""}, "claims"),
        ({"sub": 7}, "claims"),
        ({"client_id": MISSING}, "claims"),
        ({"jti": MISSING}, "claims"),
        ({"jti": ["a"]}, "claims"),
        ({"jti": "j" * 600}, "claims"),
        ({"scope": ["catalogue:read"]}, "claims"),
        ({"roles": "admin"}, "claims"),
        ({"roles": [["admin"]]}, "claims"),
        ({"roles": None}, "claims"),
        ({"entitlements": {"a": 1}}, "claims"),
        ({"auth_time": "yesterday"}, "claims"),
        ({"sid": 5}, "claims"),
    ],
)
def test_a_claim_that_is_not_right_is_refused(changes: dict[str, Any], check: str) -> None:
    assert refusal(made(**changes)) == check


@pytest.mark.assure("S8")
@pytest.mark.parametrize("typ", [None, "", "JWT", "jwt", "at", "logout+jwt", "dpop+jwt", "application/jwt", "at+jwt "])
def test_an_id_token_or_another_type_is_no_access_token(typ: str | None) -> None:
    assert refusal(made(typ)) == "type"


@pytest.mark.assure("S8")
@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt", "AT+JWT"])
def test_both_spellings_of_the_type_are_taken(typ: str) -> None:
    assert verify(made(typ), ring(KEY), EXPECTED, NOW) == CLAIMS


@pytest.mark.assure("S8")
def test_a_token_ends_with_the_second_of_its_expiry() -> None:
    token = sign(CLAIMS, KEY)
    end, begin = CLAIMS.exp * SECOND, CLAIMS.iat * SECOND

    assert verify(token, ring(KEY), EXPECTED, end - 1) == CLAIMS
    assert refusal(token, now=end) == "expiry"
    assert verify(token, ring(KEY), EXPECTED, begin) == CLAIMS
    assert refusal(token, now=begin - 1) == "issued_at"


@pytest.mark.assure("S8")
def test_leeway_is_for_clocks_that_differ_and_no_further() -> None:
    token, lax = made(nbf=BEGIN), Expected(EXPECTED.issuer, EXPECTED.audience, leeway=5)
    end, begin = (CLAIMS.exp + 5) * SECOND, (CLAIMS.iat - 5) * SECOND

    for now in (end - 1, begin):
        assert verify(token, ring(KEY), lax, now).jti == CLAIMS.jti
    assert refusal(token, now=end, expected=lax) == "expiry"
    assert refusal(token, now=begin - 1, expected=lax) == "not_before"


@pytest.mark.assure("S8")
@pytest.mark.parametrize("payload", [b"", b"[]", b"text", b'{"exp":1,"exp":2}', b"\xff"])
def test_a_payload_that_is_no_set_of_claims_is_refused(payload: bytes) -> None:
    assert refusal(compact.sign(payload, KEY, typ="at+jwt")) == "payload"


@pytest.mark.assure("S14")
@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_new_key_signs_and_tokens_of_the_old_one_hold_until_it_is_taken_away(alg: str) -> None:
    old, new = signing_key(alg), signing_key("EdDSA", 1)
    earlier, later = sign(CLAIMS, old), sign(CLAIMS, new)
    keys = ring(old, new)

    assert verify(earlier, keys, EXPECTED, NOW) == verify(later, keys, EXPECTED, NOW) == CLAIMS
    del keys[old.kid]
    with pytest.raises(TokenRefused) as refused:
        verify(earlier, keys, EXPECTED, NOW)
    assert refused.value.check == "key"
    assert verify(later, keys, EXPECTED, NOW) == CLAIMS


def test_an_explanation_shows_all_that_was_found() -> None:
    found = explain(sign(CLAIMS, KEY), ring(KEY), EXPECTED, NOW)

    assert found.accepted
    assert found.header == {"alg": "EdDSA", "kid": KEY.kid, "typ": "at+jwt"}
    assert found.claims == CLAIMS.members()
    assert (
        " ".join(check.name for check in found.checks)
    ) == "form header type algorithm key signature payload issuer audience expiry not_before issued_at claims"


def test_an_explanation_goes_on_after_a_failure() -> None:
    token = resigned(made("JWT", aud="store", exp=BEGIN, jti=MISSING), bytes(64))
    outcomes = {check.name: check.outcome for check in explain(token, ring(KEY), EXPECTED, NOW).checks}

    failed = {name for name, outcome in outcomes.items() if outcome == "failed"}
    assert failed == {"type", "signature", "audience", "expiry", "claims"}
    assert set(outcomes.values()) == {"ok", "failed"}


def test_what_builds_on_a_failure_is_not_reached() -> None:
    def outcomes(token: str, *keys: Any) -> dict[str, str]:
        return {check.name: check.outcome for check in explain(token, ring(*keys), EXPECTED, NOW).checks}

    unknown = outcomes(sign(CLAIMS, KEY))
    assert (unknown["key"], unknown["signature"], unknown["claims"]) == ("failed", "not reached", "ok")
    nonsense = outcomes("nonsense", KEY)
    assert nonsense.pop("form") == "failed"
    assert set(nonsense.values()) == {"not reached"}
    other = outcomes(token_with(KEY, CLAIMS.members(), crit=["exp"]), KEY)
    assert (other["header"], other["type"], other["expiry"]) == ("failed", "not reached", "ok")


def test_a_refusal_holds_nothing_of_the_token_but_what_it_is_about() -> None:
    token = sign(CLAIMS, KEY)
    with pytest.raises(TokenRefused) as refused:
        verify(token, ring(KEY), EXPECTED, CLAIMS.exp * SECOND)

    assert refused.value.message == "The token is refused: it expired at 2027-01-15T08:05:00Z."
    assert refused.value.details == {"check": "expiry", "reason": "it expired at 2027-01-15T08:05:00Z"}
    assert (refused.value.code, refused.value.exit_code) == ("token.refused", 4)
