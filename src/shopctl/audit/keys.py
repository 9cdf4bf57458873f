"""The key of the audit trail: a file outside the database, private to its owner.

The last key of the file signs, all verify, so a key is rotated by adding a line.
"""

from __future__ import annotations

import os

from shopctl.audit.errors import AuditKeyInvalid, AuditKeyMissing, AuditKeyUnreadable
from shopctl.storage.secret_file import Keys, Refusals, create_secret, secrets_in

_PREFIX = "shopctl-audit-key-1:"
_REFUSALS = Refusals(
    lambda place: AuditKeyMissing(path=place),
    lambda place, reason: AuditKeyUnreadable(path=place, reason=reason),
    lambda place, line: AuditKeyInvalid(path=place, line=line),
)


def load_keys(path: str | os.PathLike[str]) -> Keys:
    """Read the key file. Raises AuditKeyMissing, AuditKeyUnreadable, AuditKeyInvalid, PermissionsTooOpen."""
    return Keys.of(secrets_in(path, _PREFIX, _REFUSALS), "audit")


def create_key(path: str | os.PathLike[str]) -> bool:
    """Make a key of random bytes unless the file is there; whether one was made. The folder must exist."""
    return create_secret(path, _PREFIX)
