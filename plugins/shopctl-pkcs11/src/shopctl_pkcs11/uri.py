"""PKCS#11 URIs (RFC 7512): which module, which token, which key, and where its PIN is."""

from __future__ import annotations

import os
from typing import NamedTuple
from urllib.parse import unquote, unquote_to_bytes

from shopctl.kernel.redaction import remember_secret
from shopctl.storage.files import check_private

_KNOWN = {"token", "serial", "manufacturer", "model", "slot-id", "object", "id", "type", "module-path", "pin-source"}


class TokenFailed(Exception):
    """What is wrong with a URI, a token or its key, in one line without a secret."""


class Address(NamedTuple):
    """What a URI says; the token's attributes are compared as text, `key_id` as bytes."""

    module: str
    token: dict[str, str]
    label: str | None
    key_id: bytes | None
    pin_source: str | None

    def pin(self) -> str | None:
        """The PIN, read where the URI says: a private file or a variable. Raises TokenFailed, PermissionsTooOpen."""
        if self.pin_source is None:
            return None
        scheme, colon, name = self.pin_source.partition(":")
        if colon and scheme == "env":
            found = os.environ.get(name, "")
        elif colon and scheme == "file" or self.pin_source.startswith("/"):
            found = _read(name.removeprefix("//") if colon else self.pin_source)
        else:
            raise TokenFailed("pin-source is neither file:/PATH nor env:NAME")
        if not found:
            raise TokenFailed(f"there is no PIN at {scheme}:{name}")
        remember_secret(found)
        return found


def parse(uri: str) -> Address:
    """What a URI says. Raises TokenFailed: for one that holds a PIN, too, since settings are no place for it."""
    path, _, query = uri.removeprefix("pkcs11:").partition("?")
    given: dict[str, str] = {}
    for part in [*path.split(";"), *query.split("&")]:
        name, equals, value = part.partition("=")
        if not part or name.startswith("x-"):
            continue
        if name == "pin-value":
            raise TokenFailed("a PIN does not belong in the URI; name its file with pin-source=file:/PATH")
        if not equals or name not in _KNOWN or name in given:
            raise TokenFailed(f"{name} is no attribute of a PKCS#11 URI that is known here, or stands there twice")
        given[name] = value
    text = {name: unquote(value) for name, value in given.items()}
    if not text.get("module-path"):
        raise TokenFailed("the URI lacks ?module-path=/PATH, the library of the token's maker")
    if text.get("type", "secret-key") != "secret-key":
        raise TokenFailed("a key-encryption key is of type=secret-key")
    if not text.get("object") and not text.get("id"):
        raise TokenFailed("the URI names no key: object=LABEL or id=%01%02")
    return Address(
        module=text["module-path"],
        token={name: text[name] for name in ("token", "serial", "manufacturer", "model", "slot-id") if name in text},
        label=text.get("object"),
        key_id=unquote_to_bytes(given["id"]) if "id" in given else None,
        pin_source=text.get("pin-source"),
    )


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            found = file.read().rstrip("\r\n")
    except OSError as error:
        raise TokenFailed(f"the PIN's file {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise TokenFailed(f"the PIN's file {path} is not text") from None
    check_private(path)
    return found
