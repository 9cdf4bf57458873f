"""Brings key-encryption keys that never leave a PKCS#11 token to shopctl: sources of the form `pkcs11:…` (RFC 7512)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pluggy

hookimpl = pluggy.HookimplMarker("shopctl")


@hookimpl
def shopctl_key_encryption_keys() -> list[tuple[str, Callable[[str], Any]]]:
    return [("pkcs11", open_key)]


def open_key(source: str) -> Any:
    """The key that a PKCS#11 URI names. Raises TokenFailed."""
    from shopctl_pkcs11.token import TokenKey
    from shopctl_pkcs11.uri import parse

    return TokenKey(parse(source))
