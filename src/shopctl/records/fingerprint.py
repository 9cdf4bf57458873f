"""What tells whether a file is the one that an import began with."""

from __future__ import annotations

import os
from hashlib import blake2b

_HEAD = 1 << 20


def fingerprint(path: str, size: int | None, how: object) -> str | None:
    """Which file this is and how it is read (what `repr` shows of `how`); None for what is read only once."""
    if path == "-" or size is None:
        return None
    digest = blake2b(repr((how, size)).encode("utf-8", "backslashreplace"), digest_size=16)
    with open(path, "rb") as file:
        # Between its ends a file may have been edited without becoming longer.
        digest.update(str(os.fstat(file.fileno()).st_mtime_ns).encode())
        digest.update(file.read(_HEAD))
        file.seek(max(0, size - _HEAD))
        digest.update(file.read(_HEAD))
    return digest.hexdigest()
