"""Where feeds and rejects are written to: a file that appears whole or not at all, a device, or standard output."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from shopctl.kernel.errors import RemoteFailed
from shopctl.records.errors import NothingToWriteTo

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class NoRoom(RemoteFailed):
    """No space is left for {path}."""

    code = "catalogue.no_room"
    hint = "Free some space, or name a file elsewhere."


@contextmanager
def outlet(path: str, *, binary: bool = False, mode: int = 0o666) -> Iterator[IO[Any]]:
    """Open `path` for writing, as UTF-8 with line feeds unless `binary`; "-" is standard output.

    A regular file takes its name when all of it is on the disk. What is none, such as a pipe or /dev/null, is written
    to as it is. Raises NothingToWriteTo, NoRoom; a reader of standard output who left is a BrokenPipeError.
    """
    name = "standard output" if path == "-" else path
    try:
        with _opened(path, binary, mode) as file:
            yield file
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise NoRoom(path=name) from None
        raise NothingToWriteTo(path=name, reason=error.strerror or str(error)) from None


def check_writable(path: str) -> None:
    """Find out before the work whether a file can be made there. Raises NothingToWriteTo."""
    if path == "-":
        return
    folder = os.path.dirname(path) or "."
    if os.path.isdir(path):
        raise NothingToWriteTo(path=path, reason=os.strerror(errno.EISDIR))
    if not os.path.isdir(folder):
        raise NothingToWriteTo(path=path, reason=os.strerror(errno.ENOENT))
    if not os.access(folder if _is_regular(path) else path, os.W_OK):
        raise NothingToWriteTo(path=path, reason=os.strerror(errno.EACCES))


def _is_regular(path: str) -> bool:
    """Whether a file with this name is, or would be, a regular one."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        return True


@contextmanager
def _opened(path: str, binary: bool, mode: int) -> Iterator[IO[Any]]:
    how: dict[str, Any] = {} if binary else {"encoding": "utf-8", "newline": ""}
    kind = "wb" if binary else "w"
    if path == "-":
        sys.stdout.flush()
        with open(sys.stdout.fileno(), kind, closefd=False, **how) as file:
            yield file
        return
    if not _is_regular(path):
        with open(path, kind, **how) as file:
            yield file
        return
    target = os.path.realpath(path)  # a link goes on pointing to the file
    draft = f"{target}.{os.getpid()}.tmp"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(handle, kind, **how) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, target)
    except BaseException:
        os.unlink(draft)
        raise
