"""Base64url as RFC 7515, section 2, writes it: without padding, and each value in one way only."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode


def encode(data: bytes) -> str:
    """The text of some bytes."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """The bytes of a text.

    Raises ValueError unless the text is what `encode` makes of them: padding, white space, characters of another
    alphabet and bits left over at the end (RFC 4648, section 3.5) would give one token several spellings.
    """
    written = text.encode("ascii")
    data = urlsafe_b64decode(written + b"=" * (-len(written) % 4))
    if urlsafe_b64encode(data).rstrip(b"=") != written:
        raise ValueError("not canonical base64url")
    return data


def number(data: bytes) -> int:
    """An unsigned integer, most significant byte first."""
    return int.from_bytes(data, "big")
