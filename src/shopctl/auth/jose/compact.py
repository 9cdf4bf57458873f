"""JSON Web Signatures in compact form, read strictly before PyJWT is asked (RFC 7515, RFC 8725).

A token chooses nothing: the algorithm is the key's, the key is found among our own by its kid, and a header that
brings a key, names a place of one or asks for an extension is refused. PyJWT computes the signatures; on its own it
accepts spellings that are not canonical, duplicate members, and whatever key it is handed.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from shopctl.auth.jose import base64url, strict_json
from shopctl.auth.jose.algorithms import OFFERED, check_form, primitive
from shopctl.auth.jose.errors import TokenRefused, quoted
from shopctl.auth.jose.keys import SigningKey, VerifyingKey

LONGEST = 16_384  # characters of a token; servers seldom take a header line longer than that
_LONGEST_HEADER = 2_048

# Keys and places of keys (RFC 7515, section 4.1), extensions (4.1.11, RFC 7797), and members of encrypted tokens.
_REFUSED_MEMBERS = frozenset(
    {"jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "crit", "b64", "enc", "zip", "epk", "apu", "apv", "iv", "tag"}
    | {"p2s", "p2c"}
)


class Header(NamedTuple):
    """A protected header; `members` is all of it, for people to look at."""

    alg: str
    kid: str
    typ: str
    members: Mapping[str, Any]


class Parts(NamedTuple):
    """A token taken apart, nothing of it verified: what was signed, the payload's bytes, the signature's."""

    header_text: str
    payload: bytes
    signed: bytes
    signature: bytes


def sign(payload: bytes, key: SigningKey, *, typ: str) -> str:
    """The token of a payload, with the header alg, kid and typ."""
    signed = f"{_header_text(key.alg, key.kid, typ)}.{base64url.encode(payload)}"
    signature = primitive(key.alg).sign(signed.encode("ascii"), key.key)
    return f"{signed}.{base64url.encode(signature)}"


def verify(token: str, keys: Mapping[str, VerifyingKey]) -> tuple[Header, bytes]:
    """The header and the payload of a token that one of the keys signed.

    Raises TokenRefused with the check form, header, algorithm, key or signature.
    """
    parts = split(token)
    header = read_header(parts.header_text)
    check_algorithm(header)
    check_signature(parts, find_key(header, keys))
    return header, parts.payload


def split(token: str) -> Parts:
    """Take a token apart. Raises TokenRefused (form: `empty`, `too_long`, `json`, `parts`, `encrypted`, `base64`)."""
    if not token:
        raise TokenRefused("form", "it is empty", "empty")
    if len(token) > LONGEST:
        raise TokenRefused("form", f"it is longer than {LONGEST} characters", "too_long")
    if token.lstrip().startswith("{"):
        raise TokenRefused("form", "it is JSON, not in compact form", "json")
    segments = token.split(".")
    if len(segments) != 3:
        # RFC 7516, section 9: five parts are an encrypted token, and none is offered.
        why, what = ("encrypted", ", as an encrypted token has") if len(segments) == 5 else ("parts", "")
        raise TokenRefused("form", f"it has {len(segments)} part{'s' * (len(segments) > 1)}, not 3{what}", why)
    name = "payload"
    try:
        payload = base64url.decode(segments[1])
        name = "signature"
        signature = base64url.decode(segments[2])
        name = "header"
        segments[0].encode("ascii")
    except ValueError:
        raise _not_base64(name) from None
    return Parts(segments[0], payload, f"{segments[0]}.{segments[1]}".encode("ascii"), signature)


# Our own headers are few constant texts, so reading them again is saved; a refusal is not kept.
@lru_cache(maxsize=128)
def read_header(text: str) -> Header:
    """Read a protected header from its base64url.

    Raises TokenRefused: form (`base64`), header (`empty`, `too_long`, `json`, `member`, `crit`, `embedded_key`), and
    algorithm (`none`), as no key could make that one right.
    """
    if not text:
        raise TokenRefused("header", "it has no header", "empty")
    if len(text) > _LONGEST_HEADER:
        raise TokenRefused("header", f"its header is longer than {_LONGEST_HEADER} characters", "too_long")
    try:
        data = base64url.decode(text)
    except ValueError:
        raise _not_base64("header") from None
    try:
        members = strict_json.read_object(data)
    except ValueError as error:
        raise TokenRefused("header", f"its header is not as it must be: {error}", "json") from None
    for name in ("alg", "kid", "typ"):
        if name in members and type(members[name]) is not str:
            raise TokenRefused("header", f"{name} in its header is no text", "member")
    alg = members.get("alg", "")
    if alg.strip().lower() == "none":
        raise TokenRefused("algorithm", "its algorithm is 'none': it is not signed", "none")
    if "crit" in members:
        raise TokenRefused("header", "its header asks for extensions (crit), and none is offered", "crit")
    if refused := sorted(_REFUSED_MEMBERS & members.keys()):
        raise TokenRefused("header", f"its header may not hold {', '.join(refused)}", "embedded_key")
    return Header(alg, members.get("kid", ""), members.get("typ", ""), MappingProxyType(members))


def check_algorithm(header: Header) -> None:
    """Raise TokenRefused (algorithm: `unknown`) for an algorithm that is not offered, whatever the key."""
    if header.alg not in OFFERED:
        shown = quoted(header.alg) if header.alg else "missing"
        raise TokenRefused("algorithm", f"its algorithm is {shown}, not one of {', '.join(OFFERED)}", "unknown")


def find_key(header: Header, keys: Mapping[str, VerifyingKey]) -> VerifyingKey:
    """The key that the header names.

    Raises TokenRefused: key where there is none of that kid, algorithm (`mismatch`) where the key is for another
    algorithm (RFC 8725, section 3.1): a public key is no HMAC secret.
    """
    key = keys.get(header.kid)
    if key is None:
        shown = f"no key {quoted(header.kid)} is known" if header.kid else "it names no key (kid)"
        raise TokenRefused("key", shown)
    if key.alg != header.alg:
        raise TokenRefused("algorithm", f"its algorithm is {header.alg}, that of its key is {key.alg}", "mismatch")
    return key


def check_signature(parts: Parts, key: VerifyingKey) -> None:
    """Raise TokenRefused (signature: `missing`, `length`, `range`, `signature`) unless the key signed it."""
    check_form(key.alg, parts.signature, key.key)
    if not primitive(key.alg).verify(parts.signed, key.key, parts.signature):
        raise TokenRefused("signature", "its signature does not fit")


@lru_cache(maxsize=128)
def _header_text(alg: str, kid: str, typ: str) -> str:
    return base64url.encode(strict_json.write_object({"alg": alg, "kid": kid, "typ": typ}))


def _not_base64(name: str) -> TokenRefused:
    return TokenRefused("form", f"its {name} is not canonical base64url", "base64")
