"""Where the search index lies: generations in folders of their own, and a file that points to the one in use.

A generation is built aside and becomes the one in use by a rename. A search that has opened an earlier one keeps
reading it: its files are open, so that removing them takes nothing from it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shopctl.catalogue.engines.errors import IndexBusy, IndexNotWritten
from shopctl.kernel import ids
from shopctl.kernel.errors import Locked
from shopctl.storage.errors import DatabaseFull, DatabaseReadOnly, DiskFailed
from shopctl.storage.process_lock import file_lock

_POINTER = "current"


class Generations:
    """The generations in one folder; `kind` names engine and format, and only those of this kind are of use."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder = folder
        self.kind = kind
        self._pointer = os.path.join(folder, _POINTER)

    def current(self) -> Path | None:
        """The one in use; None when there is none of this kind."""
        try:
            with open(self._pointer, encoding="ascii") as file:
                name = file.read().strip()
        except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
            return None
        # The pointer is a name and never a way out of the folder.
        kind, _, _ = name.rpartition("-")
        return self.folder / name if kind == self.kind and os.sep not in name else None

    def create(self) -> Path:
        """A new folder to build in."""
        with self._written():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self.folder / f"{self.kind}-{ids.new('gen')}"
            path.mkdir(mode=0o700)
        return path

    def publish(self, path: Path) -> None:
        """Make a generation the one in use, and remove all others."""
        with self._written():
            aside = self.folder / f"{_POINTER}.new"
            with aside.open("w", encoding="ascii") as file:
                file.write(path.name + "\n")
                file.flush()
                os.fsync(file.fileno())
            aside.replace(self.folder / _POINTER)
        for other in self.folder.iterdir():
            if other.is_dir() and other != path:
                self.discard(other)

    def discard(self, path: Path) -> None:
        """Remove a generation that is of no use."""
        import shutil

        shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def alone(self, *, wait: float = 0) -> Iterator[None]:
        """Be the only process that writes, until the end or until this process dies.

        Raises IndexBusy, IndexNotWritten where nothing can be written.
        """
        try:
            # Beside the folder, so that who deletes the index does not take a lock that is held.
            lock = file_lock(str(self.folder), "writer", wait=wait, place=str(self.folder))
            lock.__enter__()
        except Locked:
            raise IndexBusy() from None
        except (DatabaseReadOnly, DatabaseFull, DiskFailed) as error:
            raise IndexNotWritten(
                folder=self.folder, reason=str(error.facts.get("reason", "it cannot be locked"))
            ) from None
        try:
            yield
        finally:
            lock.__exit__(None, None, None)

    @contextmanager
    def _written(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise IndexNotWritten(folder=self.folder, reason=error.strerror or str(error)) from None
