"""The keys of backups: a file outside the databases, private to its owner, of which a copy is kept elsewhere.

The file holds a line `shopctl-backup-key-1:` + 64 hexadecimal digits for each key; the last one encrypts, all decrypt.
A key's id is derived from it, so that it cannot be mislabelled.
"""

from __future__ import annotations

import hashlib
import os
from typing import NamedTuple

from shopctl.kernel.redaction import remember_secret
from shopctl.storage.backup.errors import BackupKeyInvalid, BackupKeyMissing, BackupKeyUnreadable
from shopctl.storage.files import check_private, make_private_folder, write_private

_PREFIX = "shopctl-backup-key-1:"
_BYTES = 32


class BackupKey(NamedTuple):
    """A key of 32 random bytes; `id` is what backups name it by, 16 hexadecimal digits."""

    id: str
    secret: bytes


class BackupKeys:
    """All keys of a file: `current` encrypts, `find` gives the one of a backup."""

    def __init__(self, keys: list[BackupKey]) -> None:
        self.current = keys[-1]
        self.ids = [key.id for key in keys]
        self._by_id = {key.id: key for key in keys}

    def find(self, key_id: str) -> BackupKey | None:
        """The key of this id, None when it is not in the file."""
        return self._by_id.get(key_id)


def load_backup_keys(path: str | os.PathLike[str]) -> BackupKeys:
    """Read the file. Raises BackupKeyMissing, BackupKeyUnreadable, BackupKeyInvalid, PermissionsTooOpen."""
    place = os.fspath(path)
    try:
        with open(place, encoding="ascii") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        raise BackupKeyMissing(path=place) from None
    except OSError as error:
        raise BackupKeyUnreadable(path=place, reason=error.strerror) from None
    except UnicodeDecodeError:
        raise BackupKeyInvalid(path=place, line=1) from None
    check_private(place)
    keys = [_key(place, number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]
    if not keys:
        raise BackupKeyInvalid(path=place, line=1)
    return BackupKeys(keys)


def create_backup_key(path: str | os.PathLike[str]) -> bool:
    """Make a key of random bytes unless the file is there; whether one was made."""
    place = os.fspath(path)
    if os.path.exists(place):
        return False
    make_private_folder(os.path.dirname(place) or ".")
    draft = f"{place}.{os.getpid()}.new"
    write_private(draft, f"{_PREFIX}{os.urandom(_BYTES).hex()}\n".encode())
    try:
        os.link(draft, place)  # never over another's key: two may be at it at once
    except FileExistsError:
        return False
    finally:
        os.unlink(draft)
    return True


def _key(place: str, number: int, line: str) -> BackupKey:
    digits = line.removeprefix(_PREFIX)
    try:
        secret = bytes.fromhex(digits)
    except ValueError:
        secret = b""
    if len(secret) != _BYTES or digits == line:
        raise BackupKeyInvalid(path=place, line=number)
    remember_secret(digits)
    return BackupKey(hashlib.sha256(b"shopctl backup key id\0" + secret).hexdigest()[:16], secret)
