"""Where backups are kept: a port, and the folder that is its one adapter so far."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import IO, NamedTuple, Protocol

from shopctl.storage.backup.errors import BackupNotFound, BackupUnreadable, BackupUnwritable, NoRoomForBackup
from shopctl.storage.files import make_private_folder, sync_folder

SUFFIX = ".backup"
_DRAFT = ".partial"
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Kept(NamedTuple):
    """A backup where it is kept: its name there, and its size in bytes."""

    name: str
    bytes: int


class BackupTarget(Protocol):
    """A place for backups."""

    place: str

    def put(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """A file to write a backup to, which is there under its name at the end, whole and durable, or not at all."""

    def kept(self) -> list[Kept]:
        """What is kept, by name; nothing that is still being written."""

    def opened(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """A backup to read from; it can be searched. Raises BackupNotFound, BackupUnreadable."""

    def remove(self, name: str) -> None:
        """Take a backup away, for good."""


class FolderTarget:
    """A folder of this machine, or one that is mounted here."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.place = os.path.abspath(folder)

    @contextmanager
    def put(self, name: str) -> Iterator[IO[bytes]]:
        """See `BackupTarget`. Raises BackupUnwritable, NoRoomForBackup, PermissionsTooOpen."""
        draft = os.path.join(self.place, f".{name}{_DRAFT}")
        with self._written():
            make_private_folder(self.place)
            self._clear()
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with self._written(), os.fdopen(handle, "wb") as file:
                fcntl.flock(file, fcntl.LOCK_EX)  # says that somebody is at it, until he is done or dead
                yield file
                file.flush()
                os.fsync(file.fileno())
                os.replace(draft, os.path.join(self.place, name))
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(draft)
            raise
        sync_folder(self.place)

    def kept(self) -> list[Kept]:
        """See `BackupTarget`. Raises BackupUnreadable."""
        try:
            with os.scandir(self.place) as found:
                files = [
                    each for each in found if each.name.endswith(SUFFIX) and each.name[0] != "." and each.is_file()
                ]
                return sorted(Kept(each.name, each.stat().st_size) for each in files)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise BackupUnreadable(path=self.place, reason=error.strerror) from None

    @contextmanager
    def opened(self, name: str) -> Iterator[IO[bytes]]:
        """See `BackupTarget`."""
        path = os.path.join(self.place, name)
        try:
            with open(path, "rb") as file:
                yield file
        except FileNotFoundError:
            raise BackupNotFound(name=name, place=self.place) from None
        except OSError as error:
            raise BackupUnreadable(path=path, reason=error.strerror or str(error)) from None

    def remove(self, name: str) -> None:
        """See `BackupTarget`. Raises BackupUnwritable."""
        with self._written():
            os.unlink(os.path.join(self.place, name))
            sync_folder(self.place)

    def _clear(self) -> None:
        """Take away what a run that was killed left behind."""
        for name in os.listdir(self.place):
            if name.startswith(".") and name.endswith(SUFFIX + _DRAFT):
                path = os.path.join(self.place, name)
                with suppress(OSError), open(path, "rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    os.unlink(path)

    @contextmanager
    def _written(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise NoRoomForBackup(path=self.place) from None
            raise BackupUnwritable(path=self.place, reason=error.strerror or str(error)) from None
