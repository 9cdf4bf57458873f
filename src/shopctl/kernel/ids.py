"""Prefixed, time-ordered identifiers: `imp_` + UUIDv7 (RFC 9562, section 5.7) in Crockford base 32."""

from __future__ import annotations

import os
import threading
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 26

_taking_turns = threading.Lock()
_latest = 0


def new(prefix: str) -> str:
    """A new identifier such as `imp_06bq3…`; the prefix names the kind, later ones sort after earlier ones."""
    number = uuid7()
    text = "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))
    return f"{prefix}_{text}"


def uuid7() -> int:
    """128 bits: 48 of Unix milliseconds, version 7, 12 of the fraction of that millisecond, 62 random bits.

    The fraction in place of randomness is RFC 9562, section 6.2, method 3. Within one process each number is
    greater than the one before it, also when the clock stands still or is set back.
    """
    global _latest
    milliseconds, nanoseconds = divmod(time.time_ns(), 1_000_000)
    with _taking_turns:
        _latest = moment = max(milliseconds << 12 | (nanoseconds << 12) // 1_000_000, _latest + 1)
    noise = int.from_bytes(os.urandom(8)) & (1 << 62) - 1
    return moment >> 12 << 80 | 7 << 76 | (moment & 4095) << 64 | 2 << 62 | noise


def prefix_of(identifier: str) -> str | None:
    """The prefix of a well-formed identifier, None for anything else."""
    prefix, _, rest = identifier.partition("_")
    well_formed = prefix.isalpha() and len(rest) == LENGTH and all(c in _ALPHABET for c in rest)
    return prefix if well_formed else None
