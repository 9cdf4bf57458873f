"""A fair queue for the one writer that SQLite allows: a long import cannot starve a checkout."""

from __future__ import annotations

import fcntl
import os
import time

from shopctl.storage.process_lock import lock_file_error, try_lock

_FIRST_PAUSE = 0.0005
_LONGEST_PAUSE = 0.004


class Turnstile:
    """Two advisory locks beside the database file.

    Whoever wants to write takes the gate, waits there for the seat, and frees the gate once seated. The writer that
    just left the seat finds the gate taken by the next one, so it queues behind it: SQLite's own busy handler polls
    with growing pauses and would lose against a writer that comes back at once.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._gate = _Lock(path + ".gate", path)
        self._seat = _Lock(path + ".seat", path)

    def enter(self, deadline: float) -> bool:
        """Wait for the seat until `deadline` (monotonic seconds); False when it passed.

        Raises DatabaseReadOnly, DatabaseFull or DiskFailed when the lock files cannot be made.
        """
        if not self._gate.acquire(deadline):
            return False
        try:
            return self._seat.acquire(deadline)
        finally:
            self._gate.release()

    def leave(self) -> None:
        """Free the seat."""
        self._seat.release()

    def close(self) -> None:
        """Give the files back; the locks go with them."""
        self._gate.close()
        self._seat.close()


class _Lock:
    def __init__(self, path: str, place: str) -> None:
        self._path = path
        self._place = place
        self._file = -1

    def acquire(self, deadline: float) -> bool:
        if self._file < 0:
            try:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as error:
                raise lock_file_error(error, self._place) from None
        pause = _FIRST_PAUSE
        while not try_lock(self._file):
            if time.monotonic() > deadline:
                return False
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)
        return True

    def release(self) -> None:
        if self._file >= 0:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
