"""One JSON Web Key (RFC 7517, 7518 section 6, 8037): its members checked, its key object made, and the way back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from shopctl.auth.jose import base64url, strict_json
from shopctl.auth.jose.algorithms import ALGORITHM_OF, KINDS, SECRET, Kind
from shopctl.auth.jose.base64url import number
from shopctl.auth.jose.errors import KeyRefused, quoted
from shopctl.auth.jose.weak_keys import check_ed25519, check_rsa

SHORTEST_SECRET = 32  # bytes, RFC 7518, section 3.2
_LONGEST_SECRET = 1024
_LONGEST_KID = 256
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_REQUIRED = {"OKP": ("crv", "x"), "EC": ("crv", "x", "y"), "RSA": ("n", "e"), "oct": ("k",)}
_RSA_PRIVATE = ("d", "p", "q", "dp", "dq", "qi")


def check_purpose(jwk: Mapping[str, Any], operation: str) -> None:
    """Raise KeyRefused (`use`, `key_ops`) unless the key is meant for signatures and allows `sign` or `verify`.

    RFC 7517, sections 4.2 and 4.3; both members are optional.
    """
    if "use" in jwk and jwk["use"] != "sig":
        raise KeyRefused("use", f"its use is {quoted(jwk['use'])}, not 'sig'")
    if "key_ops" in jwk:
        operations = jwk["key_ops"]
        if not isinstance(operations, list) or len({str(each) for each in operations}) != len(operations):
            raise KeyRefused("key_ops", "its key_ops is not a list without repetition")
        if operation not in operations or not {"sign", "verify"}.issuperset(map(str, operations)):
            raise KeyRefused("key_ops", f"its key_ops is {quoted(operations)}, which is not for {operation}")


def algorithm_of(jwk: Mapping[str, Any]) -> str:
    """The algorithm that the key is for. Raises KeyRefused (`kty`, `curve`, `alg`) where its members do not fit."""
    kty = jwk.get("kty")
    if not isinstance(kty, str) or kty not in _REQUIRED:
        raise KeyRefused("kty", f"its kty is {quoted(kty)}, not one of {', '.join(_REQUIRED)}")
    crv = jwk.get("crv") if kty in ("OKP", "EC") else None
    curves = [kind.crv for kind in KINDS.values() if kind.kty == kty]
    if crv not in curves:
        raise KeyRefused("curve", f"its curve is {quoted(crv)}, not {curves[0]!r}")
    kind = Kind(kty, crv)
    alg = ALGORITHM_OF[kind]
    if jwk.get("alg") != alg:
        raise KeyRefused("alg", f"its alg is {quoted(jwk.get('alg'))}; that of an {kind} must be {alg}")
    return alg


def key_id(jwk: Mapping[str, Any]) -> str:
    """The kid. Raises KeyRefused (`kid`) where there is none to find the key by."""
    kid = jwk.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= _LONGEST_KID:
        raise KeyRefused("kid", f"its kid is missing, empty or longer than {_LONGEST_KID} characters")
    return kid


def public_key(jwk: Mapping[str, Any], alg: str, minimum_rsa_bits: int) -> Any:
    """The key object that verifies: a public key, or the bytes of an HS256 secret.

    Raises KeyRefused: `secret` for private members beside public ones, `member`, `point`, `too_short`, and what
    `weak_keys` refuses.
    """
    if alg == SECRET:
        return _secret(jwk)
    if private := sorted(_PRIVATE & jwk.keys()):
        raise KeyRefused("secret", f"it holds private members: {', '.join(private)}")
    if alg == "EdDSA":
        return _ed25519(jwk)
    if alg == "ES256":
        return _p256(jwk).public_key()
    return _rsa(jwk, minimum_rsa_bits).public_key()


def private_key(jwk: Mapping[str, Any], alg: str, minimum_rsa_bits: int) -> Any:
    """The key object that signs. Raises KeyRefused like `public_key`, and `mismatch` where the halves differ."""
    if alg == SECRET:
        return _secret(jwk)
    try:
        if alg == "RS256":
            return _rsa_private(jwk, minimum_rsa_bits)
        if alg == "EdDSA":
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

            seed = _bytes(jwk, "d", 32)
            _ed25519(jwk)
            key: Any = Ed25519PrivateKey.from_private_bytes(seed)
            fits = key.public_key().public_bytes_raw() == _bytes(jwk, "x", 32)
        else:
            from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key

            key = derive_private_key(number(_bytes(jwk, "d", 32)), SECP256R1())
            fits = key.public_key().public_numbers() == _p256(jwk)
    except ValueError:
        raise KeyRefused("material", "its private part is out of range") from None
    if not fits:
        raise KeyRefused("mismatch", "its private part does not belong to its public one")
    return key


def members(key: Any, alg: str) -> dict[str, str]:
    """The members that describe a verifying key object: kty and its numbers, of an HS256 secret the secret too."""
    kind = KINDS[alg]
    if alg == SECRET:
        return {"kty": kind.kty, "k": base64url.encode(key)}
    if alg == "EdDSA":
        return {"kty": kind.kty, "crv": str(kind.crv), "x": base64url.encode(key.public_bytes_raw())}
    numbers = key.public_numbers()
    if alg == "ES256":
        return {"kty": kind.kty, "crv": str(kind.crv), "x": _fixed(numbers.x, 32), "y": _fixed(numbers.y, 32)}
    return {"kty": kind.kty, "n": _shortest(numbers.n), "e": _shortest(numbers.e)}


def private_members(key: Any, alg: str) -> dict[str, str]:
    """The members that only the owner of a signing key object may see; of an HS256 secret none beyond `members`."""
    if alg == SECRET:
        return {}
    if alg == "EdDSA":
        return {"d": base64url.encode(key.private_bytes_raw())}
    numbers = key.private_numbers()
    if alg == "ES256":
        return {"d": _fixed(numbers.private_value, 32)}
    values = (numbers.d, numbers.p, numbers.q, numbers.dmp1, numbers.dmq1, numbers.iqmp)
    return dict(zip(_RSA_PRIVATE, map(_shortest, values), strict=True))


def thumbprint(public: Mapping[str, str]) -> str:
    """RFC 7638: SHA-256 over the required members in lexicographic order, as base64url."""
    required = {name: public[name] for name in sorted(("kty", *_REQUIRED[public["kty"]]))}
    return base64url.encode(hashlib.sha256(strict_json.write_object(required)).digest())


def _ed25519(jwk: Mapping[str, Any]) -> Any:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    point = _bytes(jwk, "x", 32)
    check_ed25519(point)
    return Ed25519PublicKey.from_public_bytes(point)


def _p256(jwk: Mapping[str, Any]) -> Any:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicNumbers

    numbers = EllipticCurvePublicNumbers(number(_bytes(jwk, "x", 32)), number(_bytes(jwk, "y", 32)), SECP256R1())
    try:
        numbers.public_key()
    except ValueError:
        raise KeyRefused("point", "its point does not lie on the curve") from None
    return numbers


def _rsa(jwk: Mapping[str, Any], minimum_bits: int) -> Any:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

    modulus, exponent = _number(jwk, "n"), _number(jwk, "e")
    check_rsa(modulus, exponent, minimum_bits)
    return RSAPublicNumbers(exponent, modulus)


def _rsa_private(jwk: Mapping[str, Any], minimum_bits: int) -> Any:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateNumbers

    if "oth" in jwk:
        raise KeyRefused("member", "an RSA key of more than two primes is not understood")
    d, p, q, dp, dq, qi = (_number(jwk, name) for name in _RSA_PRIVATE)
    return RSAPrivateNumbers(p, q, d, dp, dq, qi, _rsa(jwk, minimum_bits)).private_key()  # checks that they agree


def _secret(jwk: Mapping[str, Any]) -> bytes:
    secret = _bytes(jwk, "k")
    if not SHORTEST_SECRET <= len(secret) <= _LONGEST_SECRET:
        raise KeyRefused("too_short" if len(secret) < SHORTEST_SECRET else "member",
                         f"its secret has {len(secret)} bytes, not {SHORTEST_SECRET} to {_LONGEST_SECRET}")  # fmt: skip
    return secret


def _bytes(jwk: Mapping[str, Any], name: str, length: int | None = None) -> bytes:
    text = jwk.get(name)
    try:
        if not isinstance(text, str):
            raise ValueError
        data = base64url.decode(text)
    except ValueError:
        raise KeyRefused("member", f"its member {name} is not base64url") from None
    if length is not None and len(data) != length:
        raise KeyRefused("member", f"its member {name} has {len(data)} bytes, not {length}")
    return data


def _number(jwk: Mapping[str, Any], name: str) -> int:
    """A number as RFC 7518, section 2, writes it: in the fewest bytes."""
    data = _bytes(jwk, name)
    if not data or len(data) > 1 and data[0] == 0:
        raise KeyRefused("member", f"its member {name} is not a number in its fewest bytes")
    return number(data)


def _fixed(value: int, length: int) -> str:
    return base64url.encode(value.to_bytes(length, "big"))


def _shortest(value: int) -> str:
    return base64url.encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))
