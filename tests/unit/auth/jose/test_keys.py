"""Keys are bound to one algorithm, named by what they are, and hand out nothing private."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shopctl.auth.jose.algorithms import ORDER_OF_P256
from shopctl.auth.jose.errors import KeyRefused
from shopctl.auth.jose.keys import SigningKey, VerifyingKey
from shopctl.auth.jose.weak_keys import FIELD_OF_ED25519, SMALL_ORDER, is_roca
from shopctl.kernel.redaction import redact
from support.tokens import ALGORITHMS, PUBLIC, b64, signing_key, unb64

PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


def refusal(members: dict[str, Any], **options: int) -> str:
    """Why a public key is refused."""
    with pytest.raises(KeyRefused) as refused:
        VerifyingKey.from_jwk(members, **options)
    return refused.value.why


@pytest.mark.assure("S14")
@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_key_comes_back_from_its_text(alg: str) -> None:
    key = signing_key(alg)
    text = key.private_jwk()
    again = SigningKey.from_private_jwk(text)

    assert (again.kid, again.alg) == (key.kid, alg)
    assert again.private_jwk() == text
    assert json.loads(text)["key_ops"] == ["sign"]


@pytest.mark.assure("S14")
@pytest.mark.parametrize("alg", PUBLIC)
def test_a_public_key_has_no_private_member(alg: str) -> None:
    public = signing_key(alg).public_jwk()
    private = json.loads(signing_key(alg).private_jwk())

    assert not PRIVATE & public.keys()
    assert {name: public[name] for name in ("use", "key_ops", "alg")} == {
        "use": "sig",
        "key_ops": ["verify"],
        "alg": alg,
    }
    for name in PRIVATE & private.keys():
        assert private[name] not in json.dumps(public)
    assert VerifyingKey.from_jwk(public) == signing_key(alg).verifying()


@pytest.mark.assure("S14")
def test_a_secret_has_no_public_part_and_a_random_name() -> None:
    key = signing_key("HS256")
    secret = json.loads(key.private_jwk())["k"]

    with pytest.raises(KeyRefused, match="no public part"):
        key.public_jwk()
    assert len(unb64(secret)) == 32
    again = SigningKey("other", "HS256", key.key)
    assert again.private_jwk().replace("other", key.kid) == key.private_jwk(), "the name does not depend on the secret"


@pytest.mark.assure("S18")
@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_key_does_not_show_itself(alg: str) -> None:
    key = signing_key(alg)
    private = json.loads(key.private_jwk())
    secret = private["k" if alg == "HS256" else "d"]

    assert secret not in repr(key) + repr(key.verifying())
    assert "object" not in repr(key)
    assert secret not in redact(f"read {secret} from there")


def test_a_kid_is_the_thumbprint() -> None:
    # RFC 8037, appendix A.3: the key of A.2 and its thumbprint.
    x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    d = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
    kid = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    text = json.dumps({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "d": d, "x": x, "kid": kid})

    assert SigningKey.from_private_jwk(text).kid == kid
    with pytest.raises(KeyRefused, match="thumbprint"):
        SigningKey.from_private_jwk(text.replace(kid, kid[::-1]))


@pytest.mark.assure("S14")
def test_a_short_rsa_key_is_neither_made_nor_read() -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    with pytest.raises(KeyRefused, match="shorter than 3072"):
        SigningKey.generate("RS256", rsa_bits=2048)
    numbers = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key().public_numbers()
    short = signing_key("RS256").public_jwk() | {"n": b64(numbers.n.to_bytes(256, "big"))}

    assert refusal(short) == "rsa_size"
    assert VerifyingKey.from_jwk(short, minimum_rsa_bits=2048).kid == short["kid"]
    assert signing_key("RS256").key.key_size == 3072


@pytest.mark.parametrize("alg", ["none", "", "HS512", "PS256", "ES384", "eddsa"])
def test_no_other_algorithm_is_offered(alg: str) -> None:
    with pytest.raises(KeyRefused, match="not one of"):
        SigningKey.generate(alg)


@pytest.mark.assure("S7")
@pytest.mark.parametrize(
    ("alg", "changes", "why"),
    [
        ("EdDSA", {"kty": "EC"}, "curve"),
        ("EdDSA", {"kty": "oct"}, "alg"),
        ("EdDSA", {"kty": "AKP"}, "kty"),
        ("EdDSA", {"kty": None}, "kty"),
        ("EdDSA", {"kty": ["OKP"]}, "kty"),
        ("EdDSA", {"crv": "Ed448"}, "curve"),
        ("EdDSA", {"crv": "X25519"}, "curve"),
        ("ES256", {"crv": "P-384"}, "curve"),
        ("ES256", {"crv": "secp256k1"}, "curve"),
        ("ES256", {"crv": ["P-256"]}, "curve"),
        ("EdDSA", {"alg": "ES256"}, "alg"),
        ("ES256", {"alg": "HS256"}, "alg"),
        ("ES256", {"alg": "ES521"}, "alg"),
        ("RS256", {"alg": "PS256"}, "alg"),
        ("RS256", {"alg": "HS256"}, "alg"),
        ("RS256", {"alg": None}, "alg"),
        ("RS256", {"alg": "none"}, "alg"),
        ("RS256", {"use": "enc"}, "use"),
        ("EdDSA", {"use": None}, "use"),
        ("EdDSA", {"key_ops": ["encrypt"]}, "key_ops"),
        ("EdDSA", {"key_ops": ["sign"]}, "key_ops"),
        ("EdDSA", {"key_ops": ["verify", "encrypt"]}, "key_ops"),
        ("EdDSA", {"key_ops": ["verify", "verify"]}, "key_ops"),
        ("EdDSA", {"key_ops": "verify"}, "key_ops"),
        ("EdDSA", {"key_ops": []}, "key_ops"),
        ("EdDSA", {"kid": ""}, "kid"),
        ("EdDSA", {"kid": 7}, "kid"),
        ("EdDSA", {"kid": "k" * 300}, "kid"),
        ("EdDSA", {"d": "AAAA"}, "secret"),
        ("RS256", {"qi": "AAAA"}, "secret"),
        ("ES256", {"k": "AAAA"}, "secret"),
        ("RS256", {"e": "Aw"}, "rsa_exponent"),
        ("RS256", {"e": "AQ"}, "rsa_exponent"),
        ("RS256", {"e": "AQAC"}, "rsa_exponent"),
        ("RS256", {"e": b64(b"\xff" * 33)}, "rsa_exponent"),
        ("RS256", {"e": "AAEAAQ"}, "member"),
        ("RS256", {"e": ""}, "member"),
        ("RS256", {"n": b64(b"\x80" + b"\x00" * 126 + b"\x01")}, "rsa_size"),
        ("RS256", {"n": b64(b"\x80" + b"\x00" * 1100 + b"\x01")}, "rsa_size"),
        ("RS256", {"n": b64(b"\x80" + b"\x00" * 383)}, "material"),
        ("EdDSA", {"x": b64(b"\x07" * 31)}, "member"),
        ("EdDSA", {"x": "AA=="}, "member"),
        ("EdDSA", {"x": 5}, "member"),
        ("ES256", {"x": b64(b"\x00" * 32)}, "point"),
        ("ES256", {"y": b64(b"\xff" * 32)}, "point"),
        ("ES256", {"y": b64(b"\x01" * 33)}, "member"),
    ],
)
def test_a_public_key_that_does_not_fit_is_refused(alg: str, changes: dict[str, Any], why: str) -> None:
    assert refusal(signing_key(alg).public_jwk() | changes) == why


@pytest.mark.assure("S7")
@pytest.mark.parametrize(("length", "why"), [(0, "too_short"), (31, "too_short"), (1025, "member")])
def test_a_secret_of_another_length_is_refused(length: int, why: str) -> None:
    assert refusal({"kty": "oct", "alg": "HS256", "kid": "k", "k": b64(b"s" * length)}) == why


@pytest.mark.assure("S7")
@pytest.mark.parametrize("y", sorted(SMALL_ORDER))
def test_a_point_of_small_order_is_refused(y: int) -> None:
    """The five values are the y of all points whose order divides 8: of 1, 2, 4, and by doubling to y = 0, of 8."""
    p = FIELD_OF_ED25519
    d = -121665 * pow(121666, -1, p)
    assert y in {0, 1, p - 1} or (d * y**4 + 2 * y * y - 1) % p == 0
    for sign in (0, 1 << 255):
        point = b64((y | sign).to_bytes(32, "little"))
        assert refusal(signing_key("EdDSA").public_jwk() | {"x": point}) == "point"


@pytest.mark.assure("S7")
def test_a_point_that_is_not_written_canonically_is_refused() -> None:
    again = b64((FIELD_OF_ED25519 + 3).to_bytes(32, "little"))

    assert refusal(signing_key("EdDSA").public_jwk() | {"x": again}) == "point"


@pytest.mark.assure("S7")
def test_a_modulus_of_the_infineon_form_is_refused() -> None:
    """A product of k · M + (65537^a mod M), where M is the product of the small primes, is what ROCA found in cards."""
    primes = [number for number in range(2, 168) if all(number % divisor for divisor in range(2, number))]
    product = 1
    for prime in primes:
        product *= prime
    modulus = ((1 << 1310) // product * product + pow(65537, 1234, product)) * (
        (1 << 1762) // product * product + pow(65537, 77, product)
    )
    weak = signing_key("RS256").public_jwk() | {"n": b64(modulus.to_bytes((modulus.bit_length() + 7) // 8, "big"))}

    assert is_roca(modulus)
    assert refusal(weak) == "roca"
    assert not is_roca(signing_key("RS256").verifying().key.public_numbers().n)


@pytest.mark.assure("S14")
@pytest.mark.parametrize("alg", ["EdDSA", "ES256"])
def test_a_private_key_with_the_public_half_of_another_is_refused(alg: str) -> None:
    private, other = (json.loads(signing_key(alg, number).private_jwk()) for number in (0, 1))
    public = {name: other[name] for name in ("x", "y") if name in other}

    with pytest.raises(KeyRefused) as refused:
        SigningKey.from_private_jwk(json.dumps(private | public))
    assert refused.value.why == "mismatch"


@pytest.mark.assure("S14")
@pytest.mark.parametrize(
    ("alg", "changes", "why"),
    [
        ("EdDSA", {"key_ops": ["verify"]}, "key_ops"),
        ("EdDSA", {"use": "enc"}, "use"),
        ("EdDSA", {"d": "AAAA"}, "member"),
        ("ES256", {"d": b64(bytes(32))}, "material"),
        ("ES256", {"d": b64(ORDER_OF_P256.to_bytes(32, "big"))}, "material"),
        ("RS256", {"d": "Aw"}, "material"),
        ("RS256", {"n": b64(b"\x80" + b"\x00" * 382 + b"\x01")}, "material"),
        ("RS256", {"oth": []}, "member"),
    ],
)
def test_a_private_key_that_does_not_fit_is_refused(alg: str, changes: dict[str, Any], why: str) -> None:
    private = json.loads(signing_key(alg).private_jwk())

    with pytest.raises(KeyRefused) as refused:
        SigningKey.from_private_jwk(json.dumps(private | changes))
    assert refused.value.why == why


@pytest.mark.parametrize("text", ["", "[]", "{", '{"kty":"OKP","kty":"OKP"}'])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(KeyRefused) as refused:
        SigningKey.from_private_jwk(text)
    assert refused.value.why == "json"
