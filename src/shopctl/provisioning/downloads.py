"""Links to digital goods: whoever has one may fetch one file, until the link is over."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

from shopctl.kernel.clock import Clock, Instant
from shopctl.provisioning.errors import DownloadOver, DownloadRefused, PathInvalid
from shopctl.storage.sealed_text import KEY_BYTES, bytes_of, framed, text_of
from shopctl.storage.sealing_errors import SealingKeysMissing

if TYPE_CHECKING:
    from shopctl.storage.database import Database
    from shopctl.storage.unit import Unit

_PURPOSE = "shopctl download 1"
_LONGEST = 1_000


def link(base_url: str, path: str, expires: Instant, key: bytes) -> str:
    """`BASE/downloads/PATH?expires=…&signature=…`, good until `expires` (whole seconds); `key` has 32 bytes.

    Raises PathInvalid.
    """
    if not _proper(path):
        raise PathInvalid(path=path)
    seconds = expires // 1_000_000
    signature = text_of(_code(key, path, seconds))
    return f"{base_url.rstrip('/')}/downloads/{quote(path)}?expires={seconds}&signature={signature}"


def check(path: str, expires: str, signature: str, key: bytes, *, now: Instant) -> str:
    """The path that may be fetched, given what stood in the link (decoded). Raises DownloadRefused, DownloadOver."""
    if not (expires.isascii() and expires.isdigit() and len(expires) < 16):
        raise DownloadRefused(reason="the link is incomplete")
    try:
        given = bytes_of(signature)
        good = hmac.compare_digest(given, _code(key, path, int(expires)))
    except ValueError:
        good = False
    if not good or not _proper(path):
        raise DownloadRefused(reason="the link was altered")
    if now >= int(expires) * 1_000_000:
        raise DownloadOver()
    return path


class Downloads:
    """The links of a shop; `key` is what they are signed with."""

    def __init__(self, database: Database, clock: Clock, key: Callable[[Unit], bytes]) -> None:
        self._database = database
        self._clock = clock
        self._key = key

    def allowed(self, path: str, expires: str, signature: str) -> str:
        """See `check`."""
        try:
            with self._database.read() as unit:
                key = self._key(unit)
        except SealingKeysMissing:
            raise DownloadRefused(reason="no link was ever made here") from None
        return check(path, expires, signature, key, now=self._clock.now())


def _proper(path: str) -> bool:
    """Whether it leads to one place inside, however it is read."""
    parts = path.split("/")
    return (
        0 < len(path) <= _LONGEST
        and path.isprintable()
        and "\\" not in path
        and all(part not in ("", ".", "..") for part in parts)
    )


def _code(key: bytes, path: str, seconds: int) -> bytes:
    if len(key) < KEY_BYTES:
        raise TypeError(f"a key to sign with has {KEY_BYTES} bytes")  # no ValueError, which a bad signature is
    return hmac.digest(key, framed(_PURPOSE, path, str(seconds)), "sha256")
