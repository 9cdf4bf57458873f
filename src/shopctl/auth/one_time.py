"""Time-based one-time passwords (RFC 6238 over RFC 4226) and recovery codes."""

from __future__ import annotations

import hmac
import secrets
from base64 import b32decode, b32encode
from urllib.parse import quote

from shopctl.kernel.clock import Instant

PERIOD = 30_000_000  # microseconds; with six digits and SHA-1 what every generator app knows
DIGITS = 6
DRIFT = 1  # steps that the other clock may be off (RFC 6238, section 5.2)
_SECRET_BYTES = 20  # as long as SHA-1's output (RFC 4226, section 4, R6)
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # what nobody misreads
RECOVERY_CODES = 10


def new_secret() -> str:
    """160 random bits in base 32."""
    return b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def code_at(secret: str, step: int) -> str:
    """The code of a time step (RFC 4226, section 5.3)."""
    digest = hmac.digest(b32decode(secret), step.to_bytes(8), "sha1")
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4]) & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def step_of(secret: str, code: str, now: Instant) -> int | None:
    """The time step that a code belongs to, None when it is wrong or lies too far off."""
    current = now // PERIOD
    found = None
    for step in range(current - DRIFT, current + DRIFT + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode()):
            found = step
    return found


def uri(secret: str, *, name: str, issuer: str) -> str:
    """What a generator app reads from a QR code (the otpauth key URI format)."""
    label = f"{quote(issuer, safe='')}:{quote(name, safe='')}"
    return f"otpauth://totp/{label}?secret={secret}&issuer={quote(issuer, safe='')}&digits={DIGITS}&period=30"


def new_recovery_codes() -> list[str]:
    """Ten codes of 60 bits and more, such as `k7m2-9fpa-x3qd`."""
    return [
        "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(3)) for _ in range(RECOVERY_CODES)
    ]


def normal_code(code: str) -> str:
    """A code as it is compared: blanks and case do not matter, nor do hyphens."""
    return "".join(code.split()).replace("-", "").lower()


def looks_like_recovery(code: str) -> bool:
    """Whether it is a recovery code by its form."""
    return not (len(code) == DIGITS and code.isdigit())
