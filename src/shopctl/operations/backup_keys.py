"""The key files of a shop inside its backups: whoever has a backup and its key has the whole shop again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from shopctl.kernel.settings import Settings
from shopctl.storage.files import check_private, make_private_folder, write_private

_FILE = "file:"


class KeyFile(NamedTuple):
    """A file of keys, a line each, of which the last is in use; `role` is what it is for."""

    role: str
    path: str


def key_files(settings: Settings) -> list[KeyFile]:
    """The key files of this shop; keys that come from elsewhere (a variable, a device) are not ours to keep."""
    files = [KeyFile("audit", str(settings.audit_key_file))]
    for role, name in (("shop", "customers.key_encryption_key"), ("auth", "auth.key_encryption_key")):
        source = str(settings.get(name))
        if source.startswith(_FILE):
            files.append(KeyFile(role, source.removeprefix(_FILE)))
    return files


def packed(settings: Settings) -> Iterator[bytes]:
    """The lines of all key files, as a part of a backup. Raises PermissionsTooOpen."""
    found: dict[str, list[str]] = {}
    for role, path in key_files(settings):
        if os.path.exists(path):
            check_private(path)
            found[role] = _lines(path)
    yield json.dumps(found).encode()


def put_back(settings: Settings, content: Iterable[bytes]) -> list[str]:
    """Add the keys of a backup to the files that do not hold them; the files that were changed.

    What a file holds stays, and its last key stays in use: a shop that has been given others since opens both.
    """
    kept: dict[str, list[str]] = json.loads(b"".join(content))
    changed = []
    for role, path in key_files(settings):
        here = _lines(path) if os.path.exists(path) else []
        missing = [line for line in kept.get(role, []) if line not in here]
        if missing:
            make_private_folder(os.path.dirname(path) or ".")
            write_private(path, "".join(f"{line}\n" for line in [*missing, *here]).encode())
            changed.append(path)
    return changed


def _lines(path: str) -> list[str]:
    with open(path, encoding="ascii", errors="replace") as file:
        return [line.strip() for line in file if line.strip()]
