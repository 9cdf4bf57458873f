"""Key-encryption keys: what the keys of a database are wrapped under, and where such a key comes from.

A source is `file:PATH`, `env:NAME`, `keyring:SERVICE/NAME`, or the scheme of a plugin, such as `pkcs11:…` (RFC 7512).
The key itself never enters the database.
"""

from __future__ import annotations

import hashlib
import os
from base64 import b64decode
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from shopctl.kernel.errors import ShopctlError, one_line
from shopctl.kernel.redaction import redact, remember_secret
from shopctl.storage import sealing_errors as errors
from shopctl.storage.sealed_text import KEY_BYTES

_NONCE = 12


class KeyEncryptionKey(Protocol):
    """One key that wraps others; it may never leave a device."""

    @property
    def id(self) -> str:
        """What tells it from every other one; stored beside what it wrapped."""

    def wrap(self, key: bytes, aad: bytes) -> bytes:
        """Encrypt 32 bytes, bound to `aad`."""

    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        """The 32 bytes again. Raises ValueError for what this key did not wrap with the same `aad`."""


class KeyEncryptionKeys:
    """The keys at hand: `current` wraps, all unwrap, so that databases can pass from one to the next."""

    def __init__(self, current: KeyEncryptionKey, *former: KeyEncryptionKey) -> None:
        self.current = current
        self._all = (current, *former)

    def __iter__(self) -> Iterator[KeyEncryptionKey]:
        return iter(self._all)

    def find(self, kek_id: str) -> KeyEncryptionKey | None:
        """The key of this id, None when it is not at hand."""
        return next((kek for kek in self._all if kek.id == kek_id), None)


class SoftwareKey:
    """A key held in this process: AES-256-GCM with a random nonce of 96 bits (NIST SP 800-38D)."""

    def __init__(self, secret: bytes) -> None:
        self.id = hashlib.sha256(b"shopctl kek id\0" + secret).hexdigest()[:16]
        self._secret = secret

    def wrap(self, key: bytes, aad: bytes) -> bytes:
        """See `KeyEncryptionKey`."""
        nonce = os.urandom(_NONCE)
        return nonce + bytes(self._cipher().encrypt(nonce, key, aad))

    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        """See `KeyEncryptionKey`."""
        from cryptography.exceptions import InvalidTag

        try:
            return bytes(self._cipher().decrypt(wrapped[:_NONCE], wrapped[_NONCE:], aad))
        except InvalidTag:
            raise ValueError("not wrapped by this key, or for another purpose") from None

    def _cipher(self) -> Any:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self._secret)


class PluggedKey:
    """A plugin's key: what goes wrong inside the plugin is told in our words."""

    def __init__(self, source: str, inner: KeyEncryptionKey) -> None:
        self._source = source
        self._inner = inner
        self.id = str(inner.id)

    def wrap(self, key: bytes, aad: bytes) -> bytes:
        """See `KeyEncryptionKey`. Raises KekUnavailable."""
        try:
            return bytes(self._inner.wrap(key, aad))
        except Exception as raised:
            raise unavailable(self._source, raised) from raised

    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        """See `KeyEncryptionKey`. Raises KekUnavailable."""
        try:
            return bytes(self._inner.unwrap(wrapped, aad))
        except ValueError:
            raise
        except Exception as raised:
            raise unavailable(self._source, raised) from raised


def key_encryption_keys(source: str, *former: str) -> KeyEncryptionKeys:
    """The keys at `source`, the last of which is current, and those at `former` sources to unwrap with.

    Raises KekSourceUnknown, KekMissing, KekUnreadable, KekInvalid, KeyringMissing, KekUnavailable, PermissionsTooOpen.
    """
    current, *others = reversed(_opened(source))
    return KeyEncryptionKeys(current, *others, *(kek for name in former for kek in _opened(name)))


def key_from_text(source: str, text: str) -> SoftwareKey:
    """The key written as 64 hexadecimal digits or in base64 (also base64url). Raises KekInvalid."""
    written = text.strip()
    remember_secret(written)
    for decode in (
        bytes.fromhex,
        lambda found: b64decode(found + "=" * (-len(found) % 4), altchars=b"-_", validate=True),
    ):
        try:
            secret = decode(written.replace("+", "-").replace("/", "_"))
        except ValueError:
            continue
        if len(secret) == KEY_BYTES:
            return SoftwareKey(secret)
    raise errors.KekInvalid(source=source)


def _opened(source: str) -> Sequence[KeyEncryptionKey]:
    scheme, _, name = source.partition(":")
    if not name:
        raise errors.KekSourceUnknown(source=_scheme_only(source), schemes=_schemes())
    if scheme == "file":
        from shopctl.storage.key_files import keys_in_file

        return keys_in_file(name)
    if scheme == "env":
        return [_from_environment(source, name)]
    if scheme == "keyring":
        return [_from_keyring(source, name)]
    return [_from_plugin(scheme, source)]


def _from_environment(source: str, name: str) -> KeyEncryptionKey:
    text = os.environ.get(name)
    if not text:
        raise errors.KekMissing(source=source)
    return key_from_text(source, text)


def _from_keyring(source: str, name: str) -> KeyEncryptionKey:
    service, _, user = name.rpartition("/")
    if not service or not user:
        raise errors.KekSourceUnknown(source=source, schemes=_schemes())
    try:
        import keyring
    except ImportError:
        raise errors.KeyringMissing(source=source) from None
    try:
        text = keyring.get_password(service, user)
    except Exception as raised:  # every backend has its own
        raise unavailable(source, raised) from raised
    if not text:
        raise errors.KekMissing(source=source)
    return key_from_text(source, text)


def _from_plugin(scheme: str, source: str) -> KeyEncryptionKey:
    from shopctl.hooks.plugins import key_encryption_keys as offered

    schemes = offered()
    if scheme not in schemes:
        raise errors.KekSourceUnknown(source=_scheme_only(source), schemes=_schemes())
    shown = source.partition("?")[0].partition(";pin-value")[0]  # what follows may hold what nobody should see
    try:
        return PluggedKey(shown, schemes[scheme](source))
    except Exception as raised:
        raise unavailable(shown, raised) from raised


def unavailable(source: str, raised: Exception) -> ShopctlError:
    """What a plugin or a backend raised, in our words; what it says may hold a secret."""
    if isinstance(raised, ShopctlError):
        return raised
    reason = one_line(redact(str(raised))) or type(raised).__name__
    return errors.KekUnavailable(source=source, reason=reason)


def _schemes() -> str:
    from shopctl.hooks.plugins import key_encryption_keys as offered

    return ", ".join(offered()) or "none is installed"


def _scheme_only(source: str) -> str:
    # Somebody may have written the key itself where its source belongs.
    scheme, colon, _ = source.partition(":")
    return f"{scheme}:…" if colon else "…"
