"""Only one process does this job: a lock that the kernel or the server frees when its holder dies."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

from shopctl.kernel.errors import ShopctlError
from shopctl.storage.errors import DatabaseFull, DatabaseReadOnly, DiskFailed, JobLocked

PAUSE = 0.05
_NAME = re.compile(r"[a-z][a-z0-9.-]*")


def check_name(name: str) -> None:
    """Job names become file names and keys. Raises ValueError."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a job name: {name!r}")


@contextmanager
def file_lock(database: str, name: str, *, wait: float, place: str) -> Iterator[None]:
    """Hold `DATABASE.NAME.lock`, which names the holder's process. Raises JobLocked after `wait` seconds.

    `flock` belongs to the open file: two of them in one process exclude each other too, and a child made by a bare
    fork (not by exec) shares its parent's.
    """
    check_name(name)
    deadline = time.monotonic() + wait
    with opened(f"{database}.{name}.lock", place) as file:
        while not try_lock(file):
            if time.monotonic() >= deadline:
                holder = os.pread(file, 20, 0).decode("ascii", "replace").strip()
                raise JobLocked(name=name, place=place, holder=f"process {holder}" if holder else "another process")
            time.sleep(PAUSE)
        os.ftruncate(file, 0)
        os.pwrite(file, b"%d\n" % os.getpid(), 0)
        try:
            yield
        finally:
            os.ftruncate(file, 0)


@contextmanager
def opened(path: str, place: str) -> Iterator[int]:
    """A lock file's descriptor; the lock goes when it is closed, or when the process ends however it ends."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise lock_file_error(error, place) from None
    try:
        yield file
    finally:
        os.close(file)


def try_lock(file: int) -> bool:
    """Whether the lock could be taken at once."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES, errno.EINTR):
            raise
        return False
    return True


def lock_file_error(error: OSError, place: str) -> ShopctlError:
    """Why a lock file beside the database could not be made, in our words."""
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return DatabaseReadOnly(place=place)
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DatabaseFull(place=place)
    return DiskFailed(place=place, reason=error.strerror or str(error))
