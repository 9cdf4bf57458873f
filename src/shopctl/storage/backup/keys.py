"""The keys of backups: a file outside the databases, private to its owner, of which a copy is kept elsewhere.

The last key of the file encrypts, all decrypt.
"""

from __future__ import annotations

import os

from shopctl.storage.backup.errors import BackupKeyInvalid, BackupKeyMissing, BackupKeyUnreadable
from shopctl.storage.files import make_private_folder
from shopctl.storage.secret_file import Keys, Refusals, create_secret, secrets_in

_PREFIX = "shopctl-backup-key-1:"
_REFUSALS = Refusals(
    lambda place: BackupKeyMissing(path=place),
    lambda place, reason: BackupKeyUnreadable(path=place, reason=reason),
    lambda place, line: BackupKeyInvalid(path=place, line=line),
)


def load_backup_keys(path: str | os.PathLike[str]) -> Keys:
    """Read the file. Raises BackupKeyMissing, BackupKeyUnreadable, BackupKeyInvalid, PermissionsTooOpen."""
    return Keys.of(secrets_in(path, _PREFIX, _REFUSALS), "backup")


def create_backup_key(path: str | os.PathLike[str]) -> bool:
    """Make a key of random bytes unless the file is there; whether one was made."""
    make_private_folder(os.path.dirname(os.fspath(path)) or ".")
    return create_secret(path, _PREFIX)
