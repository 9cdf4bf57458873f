"""A key that never leaves its token: it wraps and unwraps there, by AES-GCM or, where that is absent, by AES key wrap.

A wrapped key is one byte for how, then either nonce, ciphertext and tag of AES-256-GCM with the associated data, or
AES key wrap with padding (RFC 5649) over the key and the SHA-256 of the associated data, which binds it as well.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass

from shopctl_pkcs11.uri import Address, TokenFailed

_GCM, _KEY_WRAP = b"\x01", b"\x02"
_NONCE, _TAG_BITS = 12, 128
_KEY = 32
# A login belongs to the whole process, so that sessions of two threads would log each other out.
_one_session = threading.Lock()
# What tokens say of text that the key did not encrypt; SoftHSM calls it a general error.
_NOT_OURS = (
    pkcs11.exceptions.EncryptedDataInvalid,
    pkcs11.exceptions.EncryptedDataLenRange,
    pkcs11.exceptions.WrappedKeyInvalid,
    pkcs11.exceptions.WrappedKeyLenRange,
    pkcs11.exceptions.GeneralError,
)


class TokenKey:
    """An AES key on a token. The token is asked for each wrapping, and at once whether the key is there."""

    def __init__(self, address: Address) -> None:
        self._address = address
        with self._opened() as (_, key):
            parts = [_attribute(key, name) for name in (Attribute.LABEL, Attribute.ID, Attribute.CHECK_VALUE)]
        # Not of the token's serial number: a key may be cloned to a second token.
        framed = b"".join(b"%d:%b" % (len(part), part) for part in parts)
        self.id = "p11-" + hashlib.sha256(b"shopctl pkcs11 kek id\0" + framed).hexdigest()[:16]

    def wrap(self, key: bytes, aad: bytes) -> bytes:
        """Encrypt 32 bytes, bound to `aad`. Raises TokenFailed."""
        with self._opened() as (session, kek):
            if _wraps_by_gcm(session):
                nonce = os.urandom(_NONCE)
                sealed = kek.encrypt(key, mechanism=Mechanism.AES_GCM, mechanism_param=_gcm(nonce, aad))
                return _GCM + nonce + bytes(sealed)
            attributes = _IN_SESSION | {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.VALUE: key + _digest(aad)}
            inner = session.create_object(attributes | {Attribute.KEY_TYPE: KeyType.GENERIC_SECRET})
            return _KEY_WRAP + bytes(kek.wrap_key(inner, mechanism=Mechanism.AES_KEY_WRAP_PAD))

    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        """The 32 bytes again. Raises ValueError for what this key did not wrap with the same `aad`; TokenFailed."""
        how, body = wrapped[:1], wrapped[1:]
        with self._opened() as (_, kek):
            try:
                if how == _GCM:
                    gcm = _gcm(body[:_NONCE], aad)
                    return bytes(kek.decrypt(body[_NONCE:], mechanism=Mechanism.AES_GCM, mechanism_param=gcm))
                if how == _KEY_WRAP:
                    inner = kek.unwrap_key(
                        ObjectClass.SECRET_KEY,
                        KeyType.GENERIC_SECRET,
                        body,
                        mechanism=Mechanism.AES_KEY_WRAP_PAD,
                        template=_IN_SESSION,
                    )
                    found = bytes(inner[Attribute.VALUE])
                    if hmac.compare_digest(found[_KEY:], _digest(aad)):
                        return found[:_KEY]
            except _NOT_OURS:
                pass
        raise ValueError("not wrapped by this key, or for another purpose")

    @contextmanager
    def _opened(self) -> Iterator[tuple[Any, Any]]:
        """A session with the token, logged in, and the key."""
        with _one_session, _told():
            library = pkcs11.lib(self._address.module)
            with _token(library, self._address).open(user_pin=self._address.pin()) as session:
                yield session, _key(session, self._address)


_IN_SESSION = {Attribute.TOKEN: False, Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True}


def _token(library: Any, address: Address) -> Any:
    found = [token for token in library.get_tokens() if address.token.items() <= _described(token).items()]
    if len(found) != 1:
        wanted = ";".join(f"{name}={value}" for name, value in address.token.items()) or "it"
        raise TokenFailed(f"{len(found)} tokens are called {wanted}" if found else f"no token is called {wanted}")
    return found[0]


def _described(token: Any) -> dict[str, str]:
    serial = token.serial.decode("utf-8", "replace") if isinstance(token.serial, bytes) else str(token.serial)
    return {
        "token": token.label,
        "serial": serial.strip(),
        "manufacturer": token.manufacturer_id,
        "model": token.model,
        "slot-id": str(token.slot.slot_id),
    }


def _key(session: Any, address: Address) -> Any:
    attributes: dict[Attribute, object] = {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.KEY_TYPE: KeyType.AES}
    if address.label is not None:
        attributes[Attribute.LABEL] = address.label
    if address.key_id is not None:
        attributes[Attribute.ID] = address.key_id
    found = list(session.get_objects(attributes))
    named = address.label or (address.key_id or b"").hex()
    if len(found) != 1:
        raise TokenFailed(f"the token holds {len(found) or 'no'} AES key{'s' * (len(found) > 1)} called {named}")
    if _attribute(found[0], Attribute.EXTRACTABLE) != b"\x00":
        raise TokenFailed(
            f"the key {named} can be taken out of its token; make one that is sensitive and not extractable"
        )
    return found[0]


def _attribute(key: Any, name: Attribute) -> bytes:
    try:
        value = key[name]
    except pkcs11.exceptions.PKCS11Error:
        return b""  # not every token computes a check value
    return bytes([value]) if isinstance(value, bool) else value.encode() if isinstance(value, str) else bytes(value)


def _wraps_by_gcm(session: Any) -> bool:
    return Mechanism.AES_GCM in session.token.slot.get_mechanisms()


def _gcm(nonce: bytes, aad: bytes) -> Any:
    return pkcs11.GCMParams(nonce=nonce, aad=aad, tag_bits=_TAG_BITS)


def _digest(aad: bytes) -> bytes:
    return hashlib.sha256(aad).digest()


@contextmanager
def _told() -> Iterator[None]:
    """What a token answers, in one line."""
    try:
        yield
    except pkcs11.exceptions.PinIncorrect:
        raise TokenFailed("the PIN is wrong") from None
    except pkcs11.exceptions.PinLocked:
        raise TokenFailed("the PIN is locked after too many wrong ones") from None
    except (pkcs11.exceptions.UserNotLoggedIn, pkcs11.exceptions.PinLenRange, pkcs11.exceptions.PinInvalid):
        raise TokenFailed("the token wants another PIN: name its file with ?pin-source=file:/PATH") from None
    except pkcs11.exceptions.PKCS11Error as raised:
        raise TokenFailed(f"the token answers {type(raised).__name__}{': ' if str(raised) else ''}{raised}") from None
