"""A signed token has one form, names a key of ours, and is held to that key's algorithm: all else is refused."""

from __future__ import annotations

import hmac
import json
import socket
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopctl.auth.jose import compact
from shopctl.auth.jose.algorithms import ORDER_OF_ED25519, ORDER_OF_P256
from shopctl.auth.jose.errors import TokenRefused
from shopctl.auth.jose.keys import SigningKey, VerifyingKey
from support.tokens import (
    ALGORITHMS,
    PUBLIC,
    b64,
    padded_signatures,
    raw_token,
    resigned,
    ring,
    signature_of,
    signing_key,
    token_with,
    unb64,
)

pytestmark = pytest.mark.assure("S7")

KEY = signing_key("EdDSA")
TOKEN = compact.sign(b"{}", KEY, typ="at+jwt")
HEADER, PAYLOAD, SIGNATURE = TOKEN.split(".")
OLDER = b'{"alg":"EdDSA","kid":"%s"}' % KEY.kid.encode()


def refusal(token: str, *keys: SigningKey) -> str:
    """Why a token is refused: the check and the case."""
    with pytest.raises(TokenRefused) as refused:
        compact.verify(token, ring(*(keys or (KEY,))))
    return f"{refused.value.check} {refused.value.why}"


def numbered(value: object) -> str | None:
    """Names a case by its reason: what holds a key of this run would be called otherwise by each worker."""
    return value if isinstance(value, str) and value.startswith(("form ", "header ")) else ""


@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize("payload", [b"", b"{}", b"\x00" * 20, "é🙂".encode()])
def test_what_was_signed_is_verified(alg: str, payload: bytes) -> None:
    key = signing_key(alg)
    header, found = compact.verify(compact.sign(payload, key, typ="at+jwt"), ring(key))

    assert found == payload
    assert header[:3] == (alg, key.kid, "at+jwt")


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ("", "form empty"),
        (".", "form parts"),
        ("..", "header empty"),
        (HEADER, "form parts"),
        (f"{HEADER}.{PAYLOAD}", "form parts"),
        (f"{HEADER}..{SIGNATURE}", "signature signature"),
        (f"{HEADER}.{SIGNATURE}", "form parts"),
        (f".{PAYLOAD}.{SIGNATURE}", "header empty"),
        (f"{HEADER}.{PAYLOAD}.", "signature missing"),
        (f"{TOKEN}.", "form parts"),
        (f"{TOKEN}.AAAA", "form parts"),
        (f"{TOKEN}.AAAA.AAAA", "form encrypted"),
        (f".{TOKEN}", "form parts"),
        ('{"payload":"","signatures":[]}', "form json"),
        (f'  {{"protected":"{HEADER}"}}', "form json"),
        ("A" * 20_000, "form too_long"),
        (f"{b64(b'{' + b' ' * 3000 + b'}')}.{PAYLOAD}.{SIGNATURE}", "header too_long"),
        (f" {TOKEN}", "form base64"),
        (f"{TOKEN}\n", "form base64"),
        (f"{HEADER}=.{PAYLOAD}.{SIGNATURE}", "form base64"),
        (f"{HEADER}.{PAYLOAD}=.{SIGNATURE}", "form base64"),
        (f"{TOKEN}==", "form base64"),
        (f"{HEADER}?.{PAYLOAD}.{SIGNATURE}", "form base64"),
        (f"{HEADER}.{PAYLOAD}?.{SIGNATURE}", "form base64"),
        (f"é{HEADER}.{PAYLOAD}.{SIGNATURE}", "form base64"),
        (f"{HEADER}.{PAYLOAD}.{SIGNATURE[:-1]}é", "form base64"),
        (f"{HEADER}.e3.{SIGNATURE}", "form base64"),
        (f"Bearer {TOKEN}", "form base64"),
    ],
    ids=numbered,
)
def test_another_form_is_refused(token: str, why: str) -> None:
    assert refusal(token) == why


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_bits_left_over_at_the_end_of_a_signature_are_refused(alg: str) -> None:
    """The last character of 32, 64 or 256 bytes has bits that mean nothing; lenient readers take all their values."""
    key = signing_key(alg)
    token = compact.sign(b"{}", key, typ="at+jwt")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spelt = [token[:-1] + other for other in alphabet if other != token[-1]]
    twins = [twin for twin in spelt if signature_of(twin) == signature_of(token)]

    assert len(twins) == (0 if alg == "RS256" else 15 if alg in ("EdDSA", "ES256") else 3)
    assert {refusal(twin, key) for twin in twins} <= {"form base64"}


@pytest.mark.parametrize("spelling", [" {}", "{}####", "{}="])
def test_another_spelling_is_refused_though_its_signature_fits(spelling: str) -> None:
    key = signing_key("HS256")
    header = f'{{"alg":"HS256","kid":"{key.kid}"}}'.encode()

    assert refusal(raw_token(spelling.format(b64(header)), b"{}", key), key) == "form base64"


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (b"", "header empty"),
        (b"[]", "header json"),
        (b"{", "header json"),
        (b"null", "header json"),
        (b'{"alg":"EdDSA","alg":"EdDSA"}', "header json"),
        (b'{"alg":"none","alg":"EdDSA"}', "header json"),
        (OLDER[:-1] + b',"x":{"a":1,"a":2}}', "header json"),
        (b"\xff\xfe", "header json"),
        (OLDER.decode().encode("utf-16"), "header json"),
        (OLDER[:-1] + b',"x":' + b"[" * 600 + b"]" * 600 + b"}", "header json"),
        (b'{"alg":["EdDSA"]}', "header member"),
        (b'{"alg":null}', "header member"),
        (b'{"alg":"EdDSA","kid":["a"]}', "header member"),
        (b'{"alg":"EdDSA","kid":1}', "header member"),
        (b'{"alg":"EdDSA","typ":1}', "header member"),
        (b'{"kid":"a"}', "algorithm unknown"),
        (b'{"alg":"EdDSA"}', "key key"),
        (b'{"alg":"EdDSA","kid":"../../etc/passwd"}', "key key"),
        (b'{"alg":"EdDSA","kid":"\' or 1=1"}', "key key"),
    ],
    ids=numbered,
)
def test_another_header_is_refused(header: bytes, why: str) -> None:
    assert refusal(raw_token(header, b"{}", KEY)) == why


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", " none "])
@pytest.mark.parametrize("signature", ["", SIGNATURE], ids=["without", "with another's"])
def test_a_token_that_is_not_signed_is_refused(alg: str, signature: str) -> None:
    header = b64(f'{{"alg":"{alg}","kid":"{KEY.kid}"}}'.encode())

    assert refusal(f"{header}.{PAYLOAD}.{signature}") == "algorithm none"


@pytest.mark.parametrize(
    "alg", ["HS384", "HS512", "RS512", "PS256", "ES384", "ES256K", "Ed448", "eddsa", "EDDSA", "dir", ""]
)
def test_an_algorithm_that_is_not_offered_is_refused(alg: str) -> None:
    assert refusal(token_with(KEY, alg=alg)) == "algorithm unknown"


@pytest.mark.parametrize("real", ALGORITHMS)
@pytest.mark.parametrize("claimed", ALGORITHMS)
def test_a_token_is_held_to_the_algorithm_of_its_key(real: str, claimed: str) -> None:
    if real != claimed:
        key = signing_key(real)
        assert refusal(token_with(key, alg=claimed), key) == "algorithm mismatch"


@pytest.mark.parametrize("alg", PUBLIC)
def test_a_public_key_is_no_secret(alg: str) -> None:
    """The attack on confused keys: HMAC under whatever bytes a public key is published as."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = signing_key(alg)
    public = key.verifying().key
    texts = [
        public.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo) for encoding in (Encoding.PEM, Encoding.DER)
    ]
    members = key.public_jwk()
    texts += [unb64(members[name]) for name in ("x", "n") if name in members]
    for text in texts:
        signed = f"{b64(json.dumps({'alg': 'HS256', 'kid': key.kid, 'typ': 'at+jwt'}).encode())}.e30"
        forged = f"{signed}.{b64(hmac.digest(text, signed.encode(), 'sha256'))}"
        assert refusal(forged, key) == "algorithm mismatch"


@pytest.mark.parametrize(
    ("member", "value", "why"),
    [
        ("jwk", signing_key("EdDSA", 1).public_jwk(), "embedded_key"),
        ("jku", "http://127.0.0.1:9/keys", "embedded_key"),
        ("jku", "file:///etc/passwd", "embedded_key"),
        ("x5u", "https://127.0.0.1:9/chain", "embedded_key"),
        ("x5c", ["MIIB"], "embedded_key"),
        ("x5t", "AAAA", "embedded_key"),
        ("x5t#S256", "AAAA", "embedded_key"),
        ("crit", ["b64"], "crit"),
        ("crit", ["exp"], "crit"),
        ("crit", [], "crit"),
        ("crit", None, "crit"),
        ("b64", False, "embedded_key"),
        ("b64", True, "embedded_key"),
        ("zip", "DEF", "embedded_key"),
        ("enc", "A256GCM", "embedded_key"),
        ("p2c", 1_000_000_000, "embedded_key"),
    ],
)
def test_a_header_that_brings_a_key_or_an_extension_is_refused(
    member: str, value: Any, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("a header made us look elsewhere")

    monkeypatch.setattr(socket.socket, "connect", never)
    monkeypatch.setattr("builtins.open", never)
    for signer in (KEY, signing_key("EdDSA", 1)):
        header = json.dumps({"alg": "EdDSA", "kid": KEY.kid, "typ": "at+jwt", member: value}).encode()
        assert refusal(raw_token(header, b"{}", signer)) == f"header {why}"


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_each_altered_byte_is_noticed(alg: str) -> None:
    key = signing_key(alg)
    token = compact.sign(b'{"sub":"usr_1"}', key, typ="at+jwt")
    parts = token.split(".")
    keys = ring(key)
    for place, part in enumerate(parts):
        data = unb64(part)
        for position in range(0, len(data), 7):
            altered = data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
            with pytest.raises(TokenRefused):
                compact.verify(".".join([*parts[:place], b64(altered), *parts[place + 1 :]]), keys)


@pytest.mark.parametrize("alg", ["EdDSA", "ES256", "HS256"])
def test_another_key_of_the_same_name_is_noticed(alg: str) -> None:
    key, other = signing_key(alg), signing_key(alg, 1)
    token = compact.sign(b"{}", SigningKey(key.kid, alg, other.key), typ="at+jwt")

    assert refusal(token, key) == "signature signature"
    assert refusal(compact.sign(b"{}", other, typ="at+jwt"), key) == "key key"


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_signature_of_another_length_is_refused(alg: str) -> None:
    key = signing_key(alg)
    token = compact.sign(b"{}", key, typ="at+jwt")
    right = signature_of(token)
    for wrong in (right[:-1], right + b"\x00", b"\x00" + right, right[:16], right * 2, b"\x00"):
        assert refusal(resigned(token, wrong), key) == "signature length"


N = ORDER_OF_P256
SPECIAL = {"0": 0, "1": 1, "n-1": N - 1, "n": N, "n+1": N + 1, "2^256-1": (1 << 256) - 1}


@pytest.mark.parametrize("r", SPECIAL)
@pytest.mark.parametrize("s", SPECIAL)
def test_special_numbers_are_no_es256_signature(r: str, s: str) -> None:
    key = signing_key("ES256")
    token = compact.sign(b"{}", key, typ="at+jwt")
    signature = b"".join(SPECIAL[name].to_bytes(32, "big") for name in (r, s))

    in_range = {r, s} <= {"1", "n-1"}
    assert refusal(resigned(token, signature), key) == f"signature {'signature' if in_range else 'range'}"


def test_an_es256_signature_in_der_or_shifted_by_n_is_refused() -> None:
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    key = signing_key("ES256")
    token = compact.sign(b"{}", key, typ="at+jwt")
    r, s = (int.from_bytes(half, "big") for half in (signature_of(token)[:32], signature_of(token)[32:]))

    assert refusal(resigned(token, encode_dss_signature(r, s)), key) == "signature length"
    for longer in ((r + N, s), (r, s + N), (r + (1 << 256), s)):
        wide = b"".join(value.to_bytes(33, "big") for value in longer)
        assert refusal(resigned(token, wide), key) == "signature length"


def test_an_eddsa_signature_has_no_twin() -> None:
    """S + L satisfies the equation of RFC 8032 as well; the S of a signature must be below L."""
    right = signature_of(TOKEN)
    larger = int.from_bytes(right[32:], "little") + ORDER_OF_ED25519

    assert refusal(resigned(TOKEN, right[:32] + larger.to_bytes(32, "little"))) == "signature range"
    assert refusal(resigned(TOKEN, right[:32] + b"\xff" * 32)) == "signature range"
    assert refusal(resigned(TOKEN, bytes(64))) == "signature signature"


def test_a_signature_under_nearly_right_padding_is_refused() -> None:
    key = signing_key("RS256")
    token = compact.sign(b"{}", key, typ="at+jwt")
    forged = padded_signatures(token, key)

    assert compact.verify(resigned(token, forged.pop("right")), ring(key))
    assert {name: refusal(resigned(token, signature), key) for name, signature in forged.items()} == dict.fromkeys(
        forged, "signature signature"
    )


def test_an_rs256_signature_has_no_twin_beyond_the_modulus() -> None:
    key = signing_key("RS256")
    token = compact.sign(b"{}", key, typ="at+jwt")
    modulus = key.key.public_key().public_numbers().n
    size = len(signature_of(token))

    for value in (modulus, modulus + 1, (1 << 8 * size) - 1):
        assert refusal(resigned(token, value.to_bytes(size, "big")), key) == "signature range"
    for value in (0, 1, modulus - 1):
        assert refusal(resigned(token, value.to_bytes(size, "big")), key) == "signature signature"


def test_white_space_in_the_json_of_a_header_is_no_harm() -> None:
    header = f'{{ "kid" : "{KEY.kid}",\n\t"alg": "EdDSA" , "unknown": true }}'.encode()

    assert compact.verify(raw_token(header, b"x", KEY), ring(KEY))[1] == b"x"


def test_a_refused_header_is_refused_again() -> None:
    token = token_with(KEY, crit=["exp"])
    assert refusal(token) == refusal(token) == "header crit"


@settings(max_examples=50)
@given(st.text(max_size=80) | st.text(alphabet="e.J0=-_{}A", max_size=40))
def test_any_text_is_refused_and_nothing_else_happens(text: str) -> None:
    with pytest.raises(TokenRefused):
        compact.verify(text, ring(KEY))


def test_a_foreign_kid_cannot_forge_lines_of_a_message() -> None:
    with pytest.raises(TokenRefused) as refused:
        compact.verify(token_with(KEY, kid="a\r\n\x1b[31mADMIN" + "k" * 500), {})
    assert refused.value.message.isprintable()
    assert len(refused.value.message) < 200
    assert refused.value.exit_code == 4
    assert refused.value.details == {"check": "key", "reason": refused.value.reason}


def test_a_key_that_is_not_there_verifies_nothing() -> None:
    keys: dict[str, VerifyingKey] = {}
    with pytest.raises(TokenRefused, match="no key"):
        compact.verify(TOKEN, keys)
