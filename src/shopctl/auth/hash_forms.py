"""Reads stored password hashes: our own form, and those that other shops' users come with on import.

Strict and bounded: what is read is verified within seconds and a gigabyte, so that no hash can stop the server.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, Protocol

from shopctl.auth.password_errors import HashTooCostly, UnknownHash

OWN_PREFIX = "$shopctl$1$"
LONGEST = 1024  # characters
HIGHEST_BCRYPT_COST = 16  # some five seconds
LARGEST_MEMORY = 2**30  # bytes
LARGEST_WORK = 2**32  # bytes written by scrypt or argon2 in all their passes; some four seconds
MOST_ITERATIONS = 10_000_000  # of pbkdf2; some five seconds
MOST_LANES = 64
_SHORTEST_DIGEST = 16  # bytes; a shorter one is matched by chance


class HashKind(NamedTuple):
    """What a census counts: `kind` like "bcrypt", `parameters` like "cost 12"."""

    kind: str
    parameters: str

    def __str__(self) -> str:
        return f"{self.kind} {self.parameters}"


class StoredHash(Protocol):
    """A hash that was read."""

    @property
    def kind(self) -> HashKind:
        """Its algorithm and parameters."""

    def matches(self, password: bytes) -> bool:
        """Whether it is this password's. Takes the time its parameters ask for."""


class Own(NamedTuple):
    """bcrypt over a keyed digest of 64 bytes (see `hashing.Hasher`), which `matches` takes for the password."""

    text: str
    cost: int

    @property
    def kind(self) -> HashKind:
        return HashKind("shopctl", f"bcrypt cost {self.cost}")

    def matches(self, password: bytes) -> bool:
        """Whether it is the hash of `password`."""
        return _bcrypt_matches(password, self.text)


class Bcrypt(NamedTuple):
    """`$2b$12$…` of any maker; `digested` as Django's bcrypt_sha256 does."""

    text: str
    cost: int
    digested: bool

    @property
    def kind(self) -> HashKind:
        return HashKind("bcrypt-sha256" if self.digested else "bcrypt", f"cost {self.cost}")

    def matches(self, password: bytes) -> bool:
        """Whether it is the hash of `password`."""
        if self.digested:
            password = hashlib.sha256(password).hexdigest().encode()
        # All makers ignored what is behind the 72nd byte; bcrypt 5 refuses it.
        return _bcrypt_matches(password[:72], self.text)


class Argon2(NamedTuple):
    """`$argon2id$v=19$m=65536,t=3,p=4$salt$digest` (the reference implementation's form)."""

    text: str
    variant: str
    memory: int  # KiB
    passes: int
    lanes: int

    @property
    def kind(self) -> HashKind:
        return HashKind(self.variant, f"m={self.memory},t={self.passes},p={self.lanes}")

    def matches(self, password: bytes) -> bool:
        """Whether it is the hash of `password`."""
        from argon2.exceptions import VerificationError
        from argon2.low_level import Type, verify_secret

        variant = {"argon2id": Type.ID, "argon2i": Type.I, "argon2d": Type.D}[self.variant]
        try:
            return verify_secret(self.text.encode(), password, variant)
        except VerificationError:
            return False


class Scrypt(NamedTuple):
    """RFC 7914."""

    n: int
    r: int
    p: int
    salt: bytes
    digest: bytes

    @property
    def kind(self) -> HashKind:
        return HashKind("scrypt", f"n={self.n},r={self.r},p={self.p}")

    def matches(self, password: bytes) -> bool:
        """Whether it is the hash of `password`."""
        room = 128 * self.r * (self.n + self.p + 2) + 2**20
        made = hashlib.scrypt(
            password, salt=self.salt, n=self.n, r=self.r, p=self.p, maxmem=room, dklen=len(self.digest)
        )
        return hmac.compare_digest(made, self.digest)


class Pbkdf2(NamedTuple):
    """RFC 8018, section 5.2, with HMAC of `algorithm`."""

    algorithm: str
    iterations: int
    salt: bytes
    digest: bytes

    @property
    def kind(self) -> HashKind:
        return HashKind(f"pbkdf2-{self.algorithm}", f"iterations {self.iterations}")

    def matches(self, password: bytes) -> bool:
        """Whether it is the hash of `password`."""
        made = hashlib.pbkdf2_hmac(self.algorithm, password, self.salt, self.iterations, len(self.digest))
        return hmac.compare_digest(made, self.digest)


def read(stored: str) -> StoredHash:
    """Read a hash of any form known here, in microseconds. Raises UnknownHash, HashTooCostly."""
    if len(stored) <= LONGEST and (word := _FIRST_WORD.match(stored)):
        for pattern, made in _FORMS.get(word[1], ()):
            if match := pattern.fullmatch(stored):
                try:
                    return made(*match.groups())
                except binascii.Error:
                    break
    raise UnknownHash


def check_form(stored: str) -> None:
    """Refuse what no login could verify. Raises UnknownHash, HashTooCostly."""
    read(stored)


def kind_of(stored: str) -> HashKind:
    """What a stored hash is made with, for the census. Raises UnknownHash, HashTooCostly."""
    # Nearly all are bcrypt's, of one cost; files hold a hundred thousand of them.
    if (plain := _ONLY_BCRYPT.fullmatch(stored)) is not None:
        return _kind_of_bcrypt(plain[2])
    return read(stored).kind


@lru_cache(maxsize=100)
def _kind_of_bcrypt(cost: str) -> HashKind:
    return Bcrypt("", _bcrypt_cost(cost), digested=False).kind


def _bcrypt_matches(password: bytes, text: str) -> bool:
    import bcrypt

    return bcrypt.checkpw(password, text.encode())


def _own(text: str, cost: str) -> Own:
    return Own(text, _bcrypt_cost(cost))


def _bcrypt(text: str, cost: str) -> Bcrypt:
    return Bcrypt(text, _bcrypt_cost(cost), digested=False)


def _bcrypt_sha256(text: str, cost: str) -> Bcrypt:
    return Bcrypt(text, _bcrypt_cost(cost), digested=True)


def _bcrypt_cost(text: str) -> int:
    cost = int(text)
    if cost < 4:
        raise UnknownHash
    if cost > HIGHEST_BCRYPT_COST:
        raise HashTooCostly(parameters=f"bcrypt cost {cost}")
    return cost


def _argon2(text: str, variant: str, m: str, t: str, p: str, salt: str, digest: str) -> Argon2:
    found = Argon2(text, variant, int(m), int(t), int(p))
    if len(_base64(salt)) < 8 or len(_base64(digest)) < _SHORTEST_DIGEST or found.memory < 8 * found.lanes:
        raise UnknownHash
    _check_memory(found, 1024 * found.memory, found.passes, found.lanes)
    return found


def _scrypt(n: int, r: int, p: int, salt: bytes, digest: bytes) -> Scrypt:
    found = Scrypt(n, r, p, salt, digest)
    if n < 2 or n & (n - 1) or len(digest) < _SHORTEST_DIGEST:
        raise UnknownHash
    _check_memory(found, 128 * n * r, p, p)
    return found


def _check_memory(found: StoredHash, memory: int, passes: int, lanes: int) -> None:
    if memory > LARGEST_MEMORY or memory * passes > LARGEST_WORK or lanes > MOST_LANES:
        raise HashTooCostly(parameters=str(found.kind))


def _pbkdf2(algorithm: str, iterations: str, salt: bytes, digest: bytes) -> Pbkdf2:
    found = Pbkdf2(algorithm or "sha1", int(iterations), salt, digest)
    if len(digest) < _SHORTEST_DIGEST:
        raise UnknownHash
    if found.iterations > MOST_ITERATIONS:
        raise HashTooCostly(parameters=str(found.kind))
    return found


def _scrypt_phc(ln: str, r: str, p: str, salt: str, digest: str) -> Scrypt:
    if int(ln) > 30:
        raise HashTooCostly(parameters=f"scrypt ln={ln}")
    return _scrypt(1 << int(ln), int(r), int(p), _base64(salt), _base64(digest))


def _scrypt_django(n: str, salt: str, r: str, p: str, digest: str) -> Scrypt:
    return _scrypt(int(n), int(r), int(p), salt.encode(), _base64(digest))


def _scrypt_plain(n: str, r: str, p: str, salt: str, digest: str) -> Scrypt:
    return _scrypt(int(n), int(r), int(p), _hex_or_base64(salt), _hex_or_base64(digest))


def _scrypt_werkzeug(n: str, r: str, p: str, salt: str, digest: str) -> Scrypt:
    return _scrypt(int(n), int(r), int(p), salt.encode(), _hex(digest))


def _pbkdf2_django(algorithm: str, iterations: str, salt: str, digest: str) -> Pbkdf2:
    return _pbkdf2(algorithm, iterations, salt.encode(), _base64(digest))


def _pbkdf2_passlib(algorithm: str | None, iterations: str, salt: str, digest: str) -> Pbkdf2:
    # passlib writes "." for "+" and no padding.
    return _pbkdf2(algorithm or "", iterations, _base64(salt.replace(".", "+")), _base64(digest.replace(".", "+")))


def _pbkdf2_werkzeug(algorithm: str, iterations: str, salt: str, digest: str) -> Pbkdf2:
    return _pbkdf2(algorithm, iterations, salt.encode(), _hex(digest))


def _base64(text: str) -> bytes:
    bare = text.rstrip("=")
    found = binascii.a2b_base64(bare + "==="[: -len(bare) % 4])
    if binascii.b2a_base64(found, newline=False).decode().rstrip("=") != bare:
        raise binascii.Error  # bits in the padding: no maker writes them
    return found


def _hex(text: str) -> bytes:
    return binascii.unhexlify(text)


def _hex_or_base64(text: str) -> bytes:
    return _hex(text) if re.fullmatch(r"([0-9a-fA-F]{2})+", text) else _base64(text)


_FIRST_WORD = re.compile(r"\$?([a-z0-9]+)(?:[-_]sha\d+)?[$:]")
_NUMBER = r"([1-9]\d{0,9})"
# The last character of a salt carries two bits only; bcrypt itself refuses others.
_BCRYPT = r"(\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31})"
_BASE64 = r"([A-Za-z0-9+/]+)"
_PADDED = r"([A-Za-z0-9+/]+={0,2})"
_ARGON2 = (
    rf"(\$(argon2id|argon2i|argon2d)(?:\$v=(?:16|19))?\$m={_NUMBER},t={_NUMBER},p={_NUMBER}\${_BASE64}\${_BASE64})"
)
_SALT = r"([!-#%-~]{1,128})"  # of Django and Werkzeug: hashed as the text it is
_SHA = r"(sha1|sha256|sha512)"


def _forms(
    *forms: tuple[str, Callable[..., StoredHash]],
) -> tuple[tuple[re.Pattern[str], Callable[..., StoredHash]], ...]:
    return tuple((re.compile(pattern, re.ASCII), made) for pattern, made in forms)


_ONLY_BCRYPT = re.compile(_BCRYPT, re.ASCII)
_PLAIN_BCRYPT = _forms((_BCRYPT, _bcrypt))
_PLAIN_ARGON2 = _forms((_ARGON2, _argon2))
_FORMS = {
    "shopctl": _forms((r"\$shopctl\$1" + _BCRYPT, _own)),
    "2a": _PLAIN_BCRYPT,
    "2b": _PLAIN_BCRYPT,
    "2y": _PLAIN_BCRYPT,
    "bcrypt": _forms((r"bcrypt\$" + _BCRYPT, _bcrypt), (r"bcrypt_sha256\$" + _BCRYPT, _bcrypt_sha256)),
    "argon2": _forms((r"argon2" + _ARGON2, _argon2)),
    "argon2id": _PLAIN_ARGON2,
    "argon2i": _PLAIN_ARGON2,
    "argon2d": _PLAIN_ARGON2,
    "scrypt": _forms(
        (rf"\$scrypt\$ln={_NUMBER},r={_NUMBER},p={_NUMBER}\${_BASE64}\${_BASE64}", _scrypt_phc),
        (rf"scrypt:{_NUMBER}:{_NUMBER}:{_NUMBER}\${_SALT}\$([0-9a-f]+)", _scrypt_werkzeug),
        (rf"scrypt\${_NUMBER}\${_SALT}\${_NUMBER}\${_NUMBER}\${_PADDED}", _scrypt_django),
        (rf"scrypt\${_NUMBER}\${_NUMBER}\${_NUMBER}\${_PADDED}\${_PADDED}", _scrypt_plain),
    ),
    "pbkdf2": _forms(
        (rf"pbkdf2_{_SHA}\${_NUMBER}\${_SALT}\${_PADDED}", _pbkdf2_django),
        (rf"\$pbkdf2(?:-{_SHA})?\${_NUMBER}\$([A-Za-z0-9./]+)\$([A-Za-z0-9./]+)", _pbkdf2_passlib),
        (rf"pbkdf2:{_SHA}:{_NUMBER}\${_SALT}\$([0-9a-f]+)", _pbkdf2_werkzeug),
    ),
}
