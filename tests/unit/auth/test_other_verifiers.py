"""Implementations that share nothing with ours take our tokens through the exported key set, and no altered one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shopctl.auth.access_claims import AccessClaims
from shopctl.auth.access_tokens import sign
from shopctl.auth.jose.key_sets import jwks
from support.node import verified_by_jose
from support.tokens import PUBLIC, b64, resigned, signature_of, signing_key, unb64

pytestmark = pytest.mark.assure("S7", "S14")

NOW = 1_800_000_000
CLAIMS = AccessClaims(
    "https://auth.example", "usr_1", ("shop",), "cli_1", NOW + 300, NOW, "tok_1", ("a:read",), ("operator",), sid="s"
)
KEYS = [signing_key(alg) for alg in (*PUBLIC, "HS256")]
SET = json.loads(json.dumps(jwks(KEYS)))


def altered(token: str) -> list[str]:
    """The token with its payload, its header and its signature changed, without one, and by a key of the same name."""
    header, payload, _ = token.split(".")
    rich = json.loads(unb64(payload)) | {"roles": ["admin"]}
    renamed = json.loads(unb64(header)) | {"x": 1}
    signature = signature_of(token)
    return [
        f"{header}.{b64(json.dumps(rich).encode())}.{b64(signature)}",
        f"{b64(json.dumps(renamed).encode())}.{payload}.{b64(signature)}",
        resigned(token, bytes([signature[0] ^ 1]) + signature[1:]),
        resigned(token, signature[:-1] + bytes([signature[-1] ^ 1])),
        resigned(token, b""),
        f"{b64(json.dumps(json.loads(unb64(header)) | {'alg': 'none'}).encode())}.{payload}.",
    ]


@pytest.fixture(params=PUBLIC)
def token(request: pytest.FixtureRequest) -> str:
    return sign(CLAIMS, signing_key(request.param))


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # RFC 9864 names it Ed25519, which few verifiers know
def test_joserfc_takes_our_tokens_and_refuses_altered_ones(token: str) -> None:
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    keys = KeySet.import_key_set(SET)
    registry = jwt.JWTClaimsRegistry(
        now=NOW, iss={"essential": True, "value": CLAIMS.iss}, aud={"essential": True, "value": "shop"}
    )

    def verified(text: str) -> dict[str, Any]:
        found = jwt.decode(text, keys, algorithms=list(PUBLIC))
        registry.validate(found.claims)
        assert found.header["typ"] == "at+jwt"
        return dict(found.claims)

    assert verified(token) == CLAIMS.members()
    for other in altered(token):
        with pytest.raises((JoseError, ValueError)):
            verified(other)


def test_jose_from_npm_takes_our_tokens_and_refuses_altered_ones() -> None:
    good = [sign(CLAIMS, signing_key(alg)) for alg in PUBLIC]
    late = [sign(CLAIMS._replace(exp=NOW), signing_key(alg)) for alg in PUBLIC]
    elsewhere = [sign(CLAIMS._replace(aud=("store",)), signing_key("EdDSA"))]
    secret = [sign(CLAIMS, signing_key("HS256"))]
    bad = [other for each in good for other in altered(each)] + late + elsewhere + secret
    answers = verified_by_jose(jwks=SET, issuer=CLAIMS.iss, audience="shop", now=NOW, tokens=good + bad)

    assert [answer.get("payload") for answer in answers[: len(good)]] == [CLAIMS.members()] * len(good)
    assert len(answers) == len(good) + len(bad)
    assert all("error" in answer for answer in answers[len(good) :])
    assert {answer["error"] for answer in answers[len(good) : -len(late) - 2]} == {
        "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
        "ERR_JOSE_NOT_SUPPORTED",
    }
    assert [answer["error"] for answer in answers[-len(late) - 2 :]] == [
        *["ERR_JWT_EXPIRED"] * len(late),
        "ERR_JWT_CLAIM_VALIDATION_FAILED",
        "ERR_JOSE_NOT_SUPPORTED",  # a secret is in no key set
    ]
