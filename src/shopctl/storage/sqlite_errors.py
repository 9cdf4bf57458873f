"""What SQLite reports, in our words."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from shopctl.storage import errors

_SLACK = 64 * 1024  # SQLite grows its files in steps of at most so many bytes


@contextmanager
def translated(place: str, seconds: float = 0) -> Iterator[None]:
    """Turn the driver's exceptions into ours, by SQLite's result code (sqlite.org/rescode.html)."""
    try:
        yield
    except sqlite3.Error as error:
        extended = getattr(error, "sqlite_errorcode", 0) or 0
        code = extended & 0xFF
        reason = str(error)
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise errors.DatabaseLocked(place=place, seconds=seconds) from error
        if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _no_room(place, extended)):
            raise errors.DatabaseFull(place=place) from error
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
            raise errors.DatabaseReadOnly(place=place) from error
        if code == sqlite3.SQLITE_CANTOPEN:
            raise errors.DatabaseUnreachable(place=place, reason=reason) from error
        if code == sqlite3.SQLITE_IOERR:
            raise errors.DiskFailed(place=place, reason=reason) from error
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise errors.DatabaseDamaged(place=place, reason=reason) from error
        if isinstance(error, sqlite3.IntegrityError):
            raise errors.ConstraintBroken(reason=reason) from error
        raise errors.StatementFailed(reason=reason) from error
    except UnicodeEncodeError as error:
        raise errors.TextInvalid(reason=error.reason) from error


def _no_room(place: str, code: int) -> bool:
    """Whether a failed write has its cause in a full disk or in this process's limit (`ulimit -f`)."""
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    if limit != resource.RLIM_INFINITY:
        if code == sqlite3.SQLITE_IOERR_WRITE:
            return True  # what a rollback journal takes back leaves no trace of the size
        for path in (place, place + "-wal"):
            if os.path.exists(path) and os.path.getsize(path) + _SLACK > limit:
                return True
    try:
        disk = os.statvfs(os.path.dirname(place))
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < _SLACK


def refuse_nul(params: Mapping[str, object]) -> None:
    """PostgreSQL keeps no NUL characters, so SQLite may not either. Raises TextInvalid."""
    for value in params.values():
        if isinstance(value, str) and "\0" in value:
            raise errors.TextInvalid(reason="a NUL character")
