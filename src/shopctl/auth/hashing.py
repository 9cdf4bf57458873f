"""Turns passwords into hashes and verifies them: bcrypt over a keyed digest, which frees it of its limits.

The pepper is a secret outside the database: hashes that are stolen without it cannot be guessed at all.
"""

from __future__ import annotations

import base64
import hmac
import unicodedata
from typing import NamedTuple

from shopctl.auth.hash_forms import HIGHEST_BCRYPT_COST, OWN_PREFIX, Own, read
from shopctl.auth.password_errors import CostOutOfRange, PepperTooShort

LOWEST_COST = 10  # OWASP Password Storage Cheat Sheet
DEFAULT_COST = 12
SHORTEST_PEPPER = 32  # bytes

# What an unknown user's password is compared with; no password gives 31 dots.
_NOBODY = "$2b${:02}$......................" + 31 * "."


class Verdict(NamedTuple):
    """Whether the password is right, and whether its hash should be made anew (if it is right)."""

    matches: bool
    outdated: bool


class Calibration(NamedTuple):
    """A cost for this machine, the seconds one hash takes with it, and those of the lowest cost."""

    cost: int
    seconds: float
    seconds_of_lowest: float


class Hasher:
    """Hashes with one pepper (32 bytes or more) and cost. Raises PepperTooShort, CostOutOfRange."""

    def __init__(self, pepper: bytes, cost: int = DEFAULT_COST) -> None:
        if len(pepper) < SHORTEST_PEPPER:
            raise PepperTooShort(length=len(pepper), minimum=SHORTEST_PEPPER)
        if not LOWEST_COST <= cost <= HIGHEST_BCRYPT_COST:
            raise CostOutOfRange(cost=cost, lowest=LOWEST_COST, highest=HIGHEST_BCRYPT_COST)
        self._pepper = pepper
        self.cost = cost

    def __repr__(self) -> str:
        return f"Hasher(cost={self.cost})"

    def hash(self, password: str) -> str:
        """The text to store, of the form `$shopctl$1$2b$12$…`; another one each time."""
        import bcrypt

        return OWN_PREFIX + bcrypt.hashpw(self._digest(password), bcrypt.gensalt(self.cost)).decode()[1:]

    def verify(self, password: str, stored: str | None) -> Verdict:
        """Compare with a stored hash, our own or a foreign one; None is that of an unknown user and takes as long.

        Raises UnknownHash, HashTooCostly for a hash that `hash_forms.check_form` would have refused.
        """
        if stored is None:
            self.spend(password)
            return Verdict(matches=False, outdated=False)
        found = read(stored)
        if isinstance(found, Own):
            return Verdict(found.matches(self._digest(password)), outdated=found.cost != self.cost)
        # Its maker hashed what was typed; another keyboard may compose the same characters otherwise.
        spellings = dict.fromkeys((password, unicodedata.normalize("NFC", password)))
        return Verdict(any(found.matches(_bytes(spelling)) for spelling in spellings), outdated=True)

    def spend(self, password: str = "") -> None:
        """Take as long as verifying one of our own hashes takes, so that an unknown user is not told apart (S5)."""
        import bcrypt

        bcrypt.checkpw(self._digest(password), _NOBODY.format(self.cost).encode())

    def _digest(self, password: str) -> bytes:
        """64 bytes without NUL: bcrypt reads 72 at most, and none behind a NUL."""
        digest = hmac.digest(self._pepper, _bytes(unicodedata.normalize("NFC", password)), "sha384")
        return base64.b64encode(digest)


def _bytes(password: str) -> bytes:
    # Half a surrogate pair is no text; it must not match anything, nor stop a login with an error of its own.
    return password.encode("utf-8", "surrogatepass")


def calibrate(target_seconds: float = 0.25) -> Calibration:
    """The highest cost whose hash takes at most `target_seconds` on this machine, measured; LOWEST_COST at least."""
    from math import log2

    lowest = min(_seconds(LOWEST_COST) for _ in range(3))
    cost = max(LOWEST_COST, min(HIGHEST_BCRYPT_COST, LOWEST_COST + int(log2(max(target_seconds / lowest, 1)))))
    return Calibration(cost, _seconds(cost) if cost > LOWEST_COST else lowest, lowest)


def _seconds(cost: int) -> float:
    import time

    import bcrypt

    salt = bcrypt.gensalt(cost)
    start = time.perf_counter()
    bcrypt.hashpw(64 * b"a", salt)
    return time.perf_counter() - start
