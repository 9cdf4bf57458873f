"""The key of the audit trail: a file outside the database, private to its owner.

The file holds a line `shopctl-audit-key-1:` + 64 hexadecimal digits for each key; the last one signs, all verify, so a
key is rotated by adding a line. A key's id is derived from it, so that it cannot be mislabelled.
"""

from __future__ import annotations

import hashlib
import os
from typing import NamedTuple

from shopctl.audit.errors import AuditKeyInvalid, AuditKeyMissing, AuditKeyUnreadable
from shopctl.kernel.redaction import remember_secret
from shopctl.storage.files import check_private, write_private

_PREFIX = "shopctl-audit-key-1:"
_BYTES = 32  # of HMAC-SHA-256, as long as its output (RFC 2104, section 3)


class Key(NamedTuple):
    """A signing key; `id` is what rows record."""

    id: str
    secret: bytes


class Keys:
    """All keys of a file: `current` signs, `find` gives the one that signed."""

    def __init__(self, keys: list[Key]) -> None:
        self.current = keys[-1]
        self._by_id = {key.id: key for key in keys}

    def find(self, key_id: str) -> Key | None:
        """The key of this id, None when it is not in the file."""
        return self._by_id.get(key_id)


def load_keys(path: str | os.PathLike[str]) -> Keys:
    """Read the key file. Raises AuditKeyMissing, AuditKeyUnreadable, AuditKeyInvalid, PermissionsTooOpen."""
    place = os.fspath(path)
    try:
        with open(place, encoding="ascii") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        raise AuditKeyMissing(path=place) from None
    except OSError as error:
        raise AuditKeyUnreadable(path=place, reason=error.strerror) from None
    except UnicodeDecodeError:
        raise AuditKeyInvalid(path=place, line=1) from None
    check_private(place)
    keys = [_key(place, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not keys:
        raise AuditKeyInvalid(path=place, line=1)
    return Keys(keys)


def create_key(path: str | os.PathLike[str]) -> bool:
    """Make a key of random bytes unless the file is there; whether one was made. The folder must exist."""
    place = os.fspath(path)
    if os.path.exists(place):
        return False
    draft = f"{place}.{os.getpid()}.new"
    write_private(draft, f"{_PREFIX}{os.urandom(_BYTES).hex()}\n".encode())
    try:
        os.link(draft, place)  # never over another's key: two may be making the shop at once
    except FileExistsError:
        return False
    finally:
        os.unlink(draft)
    return True


def _key(place: str, number: int, line: str) -> Key:
    digits = line.strip().removeprefix(_PREFIX)
    try:
        secret = bytes.fromhex(digits)
    except ValueError:
        secret = b""
    if len(secret) != _BYTES or digits == line.strip():
        raise AuditKeyInvalid(path=place, line=number)
    remember_secret(digits)
    return Key(hashlib.sha256(b"shopctl audit key id\0" + secret).hexdigest()[:16], secret)
