"""Signed URLs by which other systems answer later: whoever holds one may send one step of one run its news."""

from __future__ import annotations

import hmac
import json
import threading
from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

from shopctl.kernel.clock import Clock, Instant
from shopctl.kernel.errors import NotAllowed
from shopctl.storage.sealed_text import KEY_BYTES, bytes_of, text_of

LIFETIME = 90 * 86_400 * 1_000_000  # microseconds after the first call under a key

_VERSION = "c1"
_PURPOSE = b"shopctl callback 1\0"
_LONGEST = 1_000  # characters of a token


class CallbackRefused(NotAllowed):
    """The callback is refused: {reason}."""

    code = "workflow.callback_refused"
    hint = "Use the URL that came with the request, as it is; send a signal by hand with: shopctl provision signal"


class CallbackTarget(NamedTuple):
    """What a callback speaks of."""

    run_id: str
    step: str
    generation: int


def callback_signal(step: str, generation: int) -> str:
    """The name of the signal that a callback becomes; one for an earlier generation wakes nobody."""
    return f"callback:{step}:{generation}"


class CallbackSigner:
    """Makes the URLs and reads their tokens; `key` fetches a secret of 32 bytes that all processes of a shop share.

    It is fetched once, by whatever thread needs it first. Raises ValueError there for a shorter one.

    A token is `c1.` + payload + `.` + HMAC-SHA-256, both in base64url; the payload is JSON of run, step, generation and
    the second it ends at.
    """

    def __init__(self, key: Callable[[], bytes], base_url: str, clock: Clock | None = None) -> None:
        self._fetch = key
        self._fetching = threading.Lock()
        self._base = base_url.rstrip("/")
        self._clock = clock or Clock()

    def url(self, run_id: str, step: str, generation: int, since: Instant = 0) -> str:
        """The URL to hand out. It is the same for every repetition of a call that began at `since` (0: now).

        Services that keep keys compare the whole request, and refuse the same key with another body.
        """
        ends = ((since or self._clock.now()) + LIFETIME) // 1_000_000
        payload = json.dumps([run_id, step, generation, ends], separators=(",", ":")).encode()
        return f"{self._base}/callbacks/{_VERSION}.{text_of(payload)}.{text_of(self._code(payload))}"

    def read(self, token: str) -> CallbackTarget:
        """What a token was made for. Raises CallbackRefused for one that was made elsewhere, altered, or is over."""
        version, _, rest = token.partition(".")
        written, dot, code = rest.partition(".")
        if version != _VERSION or not dot or len(token) > _LONGEST:
            raise CallbackRefused(reason="it is no token of this shop")
        try:
            payload, signature = bytes_of(written), bytes_of(code)
        except ValueError:
            raise CallbackRefused(reason="it is no token of this shop") from None
        if not hmac.compare_digest(signature, self._code(payload)):
            raise CallbackRefused(reason="its signature is wrong")
        run_id, step, generation, ends = json.loads(payload)
        if self._clock.now() >= ends * 1_000_000:
            raise CallbackRefused(reason="it is over")
        return CallbackTarget(run_id, step, generation)

    def _code(self, payload: bytes) -> bytes:
        with self._fetching:
            key = self._key
        return hmac.digest(key, _PURPOSE + payload, "sha256")

    @cached_property
    def _key(self) -> bytes:
        key = self._fetch()
        if len(key) < KEY_BYTES:
            raise ValueError(f"a key to sign with has {KEY_BYTES} bytes")
        return key
