"""Files of key-encryption keys, private to their owner: made, read, given another key, rid of the former ones.

A file holds a line `shopctl-kek-1:` + 64 hexadecimal digits for each key; the last one wraps, all unwrap. So a
database passes to another key by adding a line, resealing, and dropping the former lines; who runs meanwhile reads the
file again.
"""

from __future__ import annotations

import os

from shopctl.storage.key_encryption import SoftwareKey
from shopctl.storage.sealing_errors import KekInvalid, KekMissing, KekUnreadable
from shopctl.storage.secret_file import BYTES, Refusals, create_secret, secrets_in, write_secrets

_PREFIX = "shopctl-kek-1:"
_REFUSALS = Refusals(
    lambda place: KekMissing(source=f"file:{place}"),
    lambda place, reason: KekUnreadable(source=f"file:{place}", reason=reason),
    lambda place, line: KekInvalid(source=f"file:{place}"),
)


def keys_in_file(path: str | os.PathLike[str]) -> list[SoftwareKey]:
    """Every key of a file, the current one last. Raises KekMissing, KekUnreadable, KekInvalid, PermissionsTooOpen."""
    return [SoftwareKey(secret) for secret in secrets_in(path, _PREFIX, _REFUSALS)]


def create_kek(path: str | os.PathLike[str]) -> bool:
    """Make a key of random bytes unless the file is there; whether one was made. The folder must exist."""
    return create_secret(path, _PREFIX)


def add_kek(path: str | os.PathLike[str]) -> SoftwareKey:
    """Add a key of random bytes, which is the current one from now on. Raises what `keys_in_file` raises."""
    fresh = os.urandom(BYTES)
    write_secrets(path, _PREFIX, [*secrets_in(path, _PREFIX, _REFUSALS), fresh])
    return SoftwareKey(fresh)


def drop_former_keks(path: str | os.PathLike[str]) -> int:
    """Keep the current key alone; how many were dropped. Nothing may be wrapped under those any more."""
    secrets = secrets_in(path, _PREFIX, _REFUSALS)
    if len(secrets) > 1:
        write_secrets(path, _PREFIX, secrets[-1:])
    return len(secrets) - 1
