"""JSON Web Key Sets (RFC 7517, section 5): the public one that is handed out, and strict reading of one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shopctl.auth.jose import strict_json
from shopctl.auth.jose.algorithms import SECRET
from shopctl.auth.jose.errors import KeyRefused
from shopctl.auth.jose.keys import SigningKey, VerifyingKey
from shopctl.auth.jose.weak_keys import MINIMUM_RSA_BITS

_LONGEST = 1 << 18  # characters
_MOST = 100  # keys


def jwks(keys: Iterable[SigningKey]) -> dict[str, list[dict[str, Any]]]:
    """The set that others verify by: public members only, and no HS256 key at all."""
    return {"keys": [key.public_jwk() for key in keys if key.alg != SECRET]}


def parse_jwks(text: str, *, minimum_rsa_bits: int = MINIMUM_RSA_BITS, secret: bool = False) -> dict[str, VerifyingKey]:
    """The verifying keys of a set by their kid; with `secret`, a set of HS256 secrets instead of public keys.

    One bad key spoils the set: it is our own, so a key that is not understood means that something is wrong with it.
    Raises KeyRefused: `json`, `set` (no list of keys), `mixed` (secrets beside public keys), `duplicate_kid`, and
    whatever is wrong with one of the keys, whose place is named.
    """
    if len(text) > _LONGEST:
        raise KeyRefused("json", f"the set is longer than {_LONGEST} characters")
    try:
        listed = strict_json.read_object(text).get("keys")
    except ValueError as error:
        raise KeyRefused("json", f"as JSON, {error}") from None
    if not isinstance(listed, list) or not 0 < len(listed) <= _MOST or any(type(each) is not dict for each in listed):
        raise KeyRefused("set", f"there is no list of 1 to {_MOST} keys in it")
    secrets = [each.get("kty") == "oct" for each in listed]
    if any(secrets) and not all(secrets):
        raise KeyRefused("mixed", "it holds secrets beside public keys")
    if any(secrets) is not secret:
        raise KeyRefused("secret", "it holds no secrets" if secret else "it holds secrets")
    names = [str(each.get("kid")) for each in listed]
    if len(set(names)) != len(names):
        raise KeyRefused("duplicate_kid", "two of its keys have the same kid")
    keys: dict[str, VerifyingKey] = {}
    for place, members in enumerate(listed, 1):
        try:
            key = VerifyingKey.from_jwk(members, minimum_rsa_bits=minimum_rsa_bits)
        except KeyRefused as refused:
            raise KeyRefused(refused.why, f"key {place} of the set: {refused.reason}") from None
        keys[key.kid] = key
    return keys
