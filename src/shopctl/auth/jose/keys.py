"""Keys that sign tokens and keys that verify them, each bound to one algorithm and one id for its whole life."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shopctl.auth.jose import jwk, strict_json
from shopctl.auth.jose.algorithms import DEFAULT, OFFERED, SECRET
from shopctl.auth.jose.errors import KeyRefused, quoted
from shopctl.auth.jose.weak_keys import MINIMUM_RSA_BITS
from shopctl.kernel.redaction import remember_secret


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A key that verifies; `key` is a public key object of cryptography, for HS256 the secret's bytes."""

    kid: str
    alg: str
    key: Any = field(repr=False, compare=False)

    @classmethod
    def from_jwk(cls, members: Mapping[str, Any], *, minimum_rsa_bits: int = MINIMUM_RSA_BITS) -> VerifyingKey:
        """Read a public JWK, or that of an HS256 secret. Raises KeyRefused with the reason."""
        kid, alg = _checked(members, "verify")
        return cls(kid, alg, jwk.public_key(members, alg, minimum_rsa_bits))


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs; `key` is a private key object of cryptography, for HS256 the secret's bytes."""

    kid: str
    alg: str
    key: Any = field(repr=False, compare=False)

    @classmethod
    def generate(cls, alg: str = DEFAULT, *, rsa_bits: int = MINIMUM_RSA_BITS) -> SigningKey:
        """Make a key from the system's random numbers. Raises KeyRefused for an algorithm or size not offered.

        Its kid is the thumbprint of RFC 7638; that of a secret is random, since a thumbprint would let anyone who
        sees it test guesses.
        """
        if alg not in OFFERED:
            raise KeyRefused("alg", f"{quoted(alg)} is not one of {', '.join(OFFERED)}")
        if alg == SECRET:
            return cls(secrets.token_urlsafe(16), alg, secrets.token_bytes(32))
        key = _generated(alg, rsa_bits)
        return cls(jwk.thumbprint(jwk.members(key.public_key(), alg)), alg, key)

    @classmethod
    def from_private_jwk(cls, text: str, *, minimum_rsa_bits: int = MINIMUM_RSA_BITS) -> SigningKey:
        """Read what `private_jwk` wrote. Raises KeyRefused, also where the kid is not the key's own (`kid`)."""
        members = parse_jwk(text)
        kid, alg = _checked(members, "sign")
        key = jwk.private_key(members, alg, minimum_rsa_bits)
        remember_secret(members["k" if alg == SECRET else "d"])
        found = cls(kid, alg, key)
        if alg != SECRET and kid != jwk.thumbprint(jwk.members(key.public_key(), alg)):
            raise KeyRefused("kid", "its kid is not its thumbprint")
        return found

    def private_jwk(self) -> str:
        """The whole key as JSON text, for a sealed place; hidden from logs from now on."""
        members = self._members() | jwk.private_members(self.key, self.alg)
        remember_secret(members["k" if self.alg == SECRET else "d"])
        return strict_json.write_object(members | {"use": "sig", "key_ops": ["sign"], **self._name()}).decode()

    def public_jwk(self) -> dict[str, Any]:
        """The public members alone, for a JWKS. Raises KeyRefused (`secret`) for HS256, which has none."""
        if self.alg == SECRET:
            raise KeyRefused("secret", "an HS256 key has no public part")
        return {**self._members(), "use": "sig", "key_ops": ["verify"], **self._name()}

    def verifying(self) -> VerifyingKey:
        """The key that verifies what this one signs."""
        return VerifyingKey(self.kid, self.alg, self.key if self.alg == SECRET else self.key.public_key())

    def _members(self) -> dict[str, str]:
        return jwk.members(self.verifying().key, self.alg)

    def _name(self) -> dict[str, str]:
        return {"alg": self.alg, "kid": self.kid}


def parse_jwk(text: str) -> dict[str, Any]:
    """The members of one key as JSON. Raises KeyRefused (`json`)."""
    try:
        return strict_json.read_object(text)
    except ValueError as error:
        raise KeyRefused("json", f"as JSON, {error}") from None


def _checked(members: Mapping[str, Any], operation: str) -> tuple[str, str]:
    jwk.check_purpose(members, operation)
    alg = jwk.algorithm_of(members)
    return jwk.key_id(members), alg


def _generated(alg: str, rsa_bits: int) -> Any:
    if alg == "EdDSA":
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.generate()
    if alg == "ES256":
        from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

        return generate_private_key(SECP256R1())
    from cryptography.hazmat.primitives.asymmetric import rsa

    if rsa_bits < MINIMUM_RSA_BITS:
        raise KeyRefused("rsa_size", f"an RSA key of {rsa_bits} bits is shorter than {MINIMUM_RSA_BITS}")
    return rsa.generate_private_key(public_exponent=65537, key_size=rsa_bits)
