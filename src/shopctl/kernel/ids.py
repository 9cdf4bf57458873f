"""Prefixed, time-ordered identifiers: `imp_` + UUIDv7 (RFC 9562, section 5.7) in Crockford base 32."""

from __future__ import annotations

import os
import threading
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 26

_DIGITS = bytes(ord(_ALPHABET[byte & 31]) for byte in range(256))  # of a random byte: all are as likely
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_NOISY = 12  # characters at the end that are nothing but random

_taking_turns = threading.Lock()
_latest = 0


def new(prefix: str) -> str:
    """A new identifier such as `imp_06bq3…`; the prefix names the kind, later ones sort after earlier ones."""
    number = uuid7()
    text = "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))
    return f"{prefix}_{text}"


def several(prefix: str, count: int) -> list[str]:
    """New identifiers as `new` makes them, each greater than the one before, at a fraction of the cost of each."""
    global _latest
    if count == 0:
        return []
    milliseconds, nanoseconds = divmod(time.time_ns(), 1_000_000)
    with _taking_turns:
        first = max(milliseconds << 12 | (nanoseconds << 12) // 1_000_000, _latest + 1)
        _latest = first + count - 1
    noise = os.urandom(_NOISY * count).translate(_DIGITS).decode()
    rest = os.urandom(count)
    made, known, head = [], -1, ""
    for number in range(count):
        moment = first + number
        if moment >> 12 != known:
            known = moment >> 12
            head = f"{prefix}_" + "".join(_ALPHABET[(known >> shift) & 31] for shift in range(45, -1, -5))
        # The version, the fraction of a millisecond, the variant and two random bits are four characters.
        middle = 7 << 16 | (moment & 4095) << 4 | 2 << 2 | rest[number] & 3
        at = _NOISY * number
        made.append(f"{head}{_PAIRS[middle >> 10]}{_PAIRS[middle & 1023]}{noise[at : at + _NOISY]}")
    return made


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
