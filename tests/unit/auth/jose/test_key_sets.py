"""A key set that is handed out holds public members alone; one that is read is right in every part or refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shopctl.auth.jose.errors import KeyRefused
from shopctl.auth.jose.key_sets import jwks, parse_jwks
from support.tokens import PUBLIC, b64, ring, signing_key

ONE = {"kty": "oct", "alg": "HS256", "kid": "one", "k": b64(b"1" * 32)}
TWO = {"kty": "oct", "alg": "HS256", "kid": "two", "k": b64(b"2" * 32)}


def keys(*members: Any) -> str:
    return json.dumps({"keys": members})


def public(alg: str = "EdDSA", **changes: Any) -> dict[str, Any]:
    return signing_key(alg).public_jwk() | changes


@pytest.mark.assure("S14")
def test_a_set_comes_back_without_its_secrets() -> None:
    every = [signing_key(alg) for alg in (*PUBLIC, "HS256")]
    text = json.dumps(jwks(every))

    assert parse_jwks(text) == ring(*every[:3])
    assert not [
        name for key in json.loads(text)["keys"] for name in ("d", "p", "q", "dp", "dq", "qi", "k") if name in key
    ]


@pytest.mark.assure("S7", "S14")
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "json"),
        ("[]", "json"),
        ('{"keys":[],"keys":[]}', "json"),
        (keys(public())[:-1] + ',"keys":[]}', "json"),
        (keys(public()).replace('"kty"', '"kty": "RSA", "kty"'), "json"),
        (" " * 300_000, "json"),
        ("{}", "set"),
        (keys(), "set"),
        (keys("text"), "set"),
        (keys(*[public()] * 101), "set"),
        ('{"keys":{"kty":"OKP"}}', "set"),
        (keys(public(), ONE), "mixed"),
        (keys(ONE), "secret"),
        (keys(json.loads(signing_key("ES256").private_jwk()) | {"key_ops": ["verify"]}), "secret"),
        (keys(public(), public()), "duplicate_kid"),
        (keys(public(), public("ES256", kid=public()["kid"])), "duplicate_kid"),
        (keys(public(), public("ES256", kty="new")), "kty"),
        (keys(public("RS256"), public("ES256", use="enc")), "use"),
    ],
)
def test_a_set_that_is_not_right_is_refused(text: str, why: str) -> None:
    with pytest.raises(KeyRefused) as refused:
        parse_jwks(text)
    assert refused.value.why == why


@pytest.mark.assure("S7")
def test_secrets_are_read_only_where_they_are_expected() -> None:
    assert sorted(parse_jwks(keys(ONE, TWO), secret=True)) == ["one", "two"]
    with pytest.raises(KeyRefused, match="holds no secrets"):
        parse_jwks(keys(public()), secret=True)
    with pytest.raises(KeyRefused, match="same kid"):
        parse_jwks(keys(ONE, TWO | {"kid": "one"}), secret=True)


def test_a_refusal_names_the_key() -> None:
    with pytest.raises(KeyRefused, match="key 2 of the set: its use is 'enc'"):
        parse_jwks(keys(public(), public("ES256", use="enc")))
