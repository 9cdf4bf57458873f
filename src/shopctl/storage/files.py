"""Files that only their owner may read: databases, keys, backups (modes 0600 and 0700)."""

from __future__ import annotations

import os
import shlex
import stat

from shopctl.storage.errors import PermissionsTooOpen

_BESIDE = ("-wal", "-shm", ".gate", ".seat")


def check_private(path: str) -> None:
    """Refuse a file or folder, or the folder it lies in, that others can reach. Raises PermissionsTooOpen."""
    for place in (path, *(path + suffix for suffix in _BESIDE), os.path.dirname(path) or "."):
        try:
            found = os.stat(place)
        except FileNotFoundError:
            continue
        folder = stat.S_ISDIR(found.st_mode)
        if folder and place != path and not _ours(place):
            continue  # a database may be put in a folder that is not ours
        if stat.S_IMODE(found.st_mode) & 0o077:
            wanted = "700" if folder else "600"
            raise PermissionsTooOpen(
                path=place, mode=f"{stat.S_IMODE(found.st_mode):o}", wanted=wanted, argument=shlex.quote(place)
            )


def folders_in(home: str) -> list[str]:
    """The folders of a shop beside its databases, by name: backups, index, keys and what else there is."""
    try:
        with os.scandir(home) as found:
            return sorted(entry.path for entry in found if entry.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def check_private_folders(home: str) -> None:
    """Refuse the folder of a shop, or one in it, that others can reach. Raises PermissionsTooOpen."""
    for place in (home, *folders_in(home)):
        check_private(place)


def _ours(folder: str) -> bool:
    """Whether it is the folder of a shop, or lies in one as `.shopctl/keys` does."""
    place = os.path.abspath(folder)
    return ".shopctl" in (os.path.basename(place), os.path.basename(os.path.dirname(place)))


def identity(path: str) -> tuple[int, int] | None:
    """What tells a file from another one that takes its name; None when there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def make_private_folder(path: str) -> None:
    """Make a folder of mode 0700 with its parents; one that is there is checked instead. Raises PermissionsTooOpen."""
    if os.path.isdir(path):
        check_private(path)
        return
    os.makedirs(path, mode=0o700)
    os.chmod(path, 0o700)


def write_private(path: str, data: bytes) -> None:
    """Write a file of mode 0600, whole or not at all, durable when this returns."""
    draft = f"{path}.{os.getpid()}.tmp"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise
    sync_folder(os.path.dirname(path) or ".")


def sync_folder(path: str) -> None:
    """Make a rename in this folder durable."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
