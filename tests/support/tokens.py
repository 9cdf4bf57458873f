"""Keys for tests, made once a worker, and tokens that no honest signer would make."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import cache
from typing import Any

from shopctl.auth.jose.algorithms import primitive
from shopctl.auth.jose.keys import SigningKey, VerifyingKey

ALGORITHMS = ("EdDSA", "ES256", "RS256", "HS256")
PUBLIC = ("EdDSA", "ES256", "RS256")


@cache
def signing_key(alg: str, number: int = 0) -> SigningKey:
    """A key of an algorithm, always the same for a number."""
    return SigningKey.generate(alg)


def ring(*keys: SigningKey) -> dict[str, VerifyingKey]:
    """The keys as a verifier holds them."""
    return {key.kid: key.verifying() for key in keys}


def b64(data: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """Its bytes, leniently."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def raw_token(header: bytes | str, payload: bytes, key: SigningKey) -> str:
    """A token whose signature fits, whatever stands in its header (bytes, or the segment as it is)."""
    signed = f"{header if isinstance(header, str) else b64(header)}.{b64(payload)}"
    return f"{signed}.{b64(primitive(key.alg).sign(signed.encode(), key.key))}"


def token_with(key: SigningKey, payload: Any = None, **header: Any) -> str:
    """A token that is rightly signed, with members of the header replaced (None takes one out)."""
    members = {"alg": key.alg, "kid": key.kid, "typ": "at+jwt"} | header
    kept = {name: value for name, value in members.items() if value is not None}
    return raw_token(json.dumps(kept).encode(), json.dumps({} if payload is None else payload).encode(), key)


def resigned(token: str, signature: bytes) -> str:
    """The same token with another signature."""
    return f"{token.rpartition('.')[0]}.{b64(signature)}"


def signature_of(token: str) -> bytes:
    """The bytes of its signature."""
    return unb64(token.rpartition(".")[2])


SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")  # RFC 8017, section 9.2, note 1


def padded_signatures(token: str, key: SigningKey) -> dict[str, bytes]:
    """RSA signatures over paddings that are nearly PKCS #1 v1.5, by what is wrong with them; `right` is right."""
    numbers = key.key.private_numbers()
    n, length = numbers.public_numbers.n, (key.key.key_size + 7) // 8
    digest = hashlib.sha256(token.rpartition(".")[0].encode()).digest()
    info = SHA256_INFO + digest
    long_form = b"\x30\x81\x31" + info[2:]
    no_null = bytes.fromhex("302f300b0609608648016503040201") + bytes.fromhex("0420") + digest
    sha1 = bytes.fromhex("3021300906052b0e03021a05000414") + hashlib.sha1(token.encode()).digest()

    def block(tail: bytes, kind: int = 1, fill: bytes = b"\xff", start: int = 0) -> bytes:
        return bytes([start, kind]) + fill * (length - 3 - len(tail)) + b"\x00" + tail

    garbage = b"\x00\x01" + b"\xff" * 8 + b"\x00" + info
    blocks = {
        "right": block(info),
        "length in long form": block(long_form),
        "no NULL parameter": block(no_null),
        "digest alone": block(digest),
        "another hash": block(sha1),
        "block type 2": block(info, kind=2),
        "filled with zeros": block(info, fill=b"\x00"),
        "filled with other bytes": block(info, fill=b"\xfe"),
        "first byte is not zero": block(info, start=1),
        "garbage behind the digest": garbage + b"\x00" * (length - len(garbage)),
        "digest cut short": block(info[:-1]),
    }

    def signed(em: bytes) -> bytes:
        value = int.from_bytes(em, "big") % n
        by_p, by_q = pow(value, numbers.dmp1, numbers.p), pow(value, numbers.dmq1, numbers.q)
        return (by_q + numbers.q * ((by_p - by_q) * numbers.iqmp % numbers.p)).to_bytes(length, "big")

    return {name: signed(em) for name, em in blocks.items()}
