"""Where reads go: to the database itself, or to a replica of it that has caught up with what was written here.

Read-your-writes by position in the log (PostgreSQL manual, section 27.4): after a write the position of the primary is
kept, and a replica answers once it has replayed so far; until then, and whenever it cannot, the primary does.
"""

from __future__ import annotations

import logging
import time
from contextlib import AbstractContextManager
from pathlib import Path

from shopctl.kernel.errors import ShopctlError
from shopctl.storage import migrations
from shopctl.storage.database import Database, open_database
from shopctl.storage.errors import NoReplica
from shopctl.storage.files import write_private
from shopctl.storage.migrations import Chain
from shopctl.storage.process_lock import file_lock
from shopctl.storage.unit import Unit

WAIT = 0.3  # seconds a read waits for the replica before it goes to the primary
_PAUSE = 0.005
_LEFT_ALONE = 30.0  # seconds a replica that could not be asked is not asked again
_CONNECT_SECONDS = 2

_log = logging.getLogger(__name__)


class Reads:
    """Reads of the database itself, which shows everything that was committed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> AbstractContextManager[Unit]:
        """A read-only snapshot."""
        return self._database.read()

    def wrote(self) -> None:
        """Say that a unit of this process has written: later reads must see it once it is committed."""

    def finish(self) -> None:
        """Let go of what is held; later commands of this shop see what this one has written."""


class Position:
    """How far a replica must be, in a file of the shop, so that the next command sees what the last one wrote."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> int:
        """The position, 0 for none."""
        try:
            return number_of(self._path.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return 0

    def keep(self, position: int) -> None:
        """Keep a position unless a later one is kept already. A file that cannot be written is warned of."""
        try:
            with file_lock(str(self._path), "position", wait=1, place=str(self._path)):
                if position > self.read():
                    write_private(str(self._path), text_of(position).encode())
        except (OSError, ShopctlError) as failure:
            _log.warning("the position of the last write was not kept: %s", failure)

    def forget(self) -> None:
        """Keep none any more."""
        self._path.unlink(missing_ok=True)


class ReplicaReads(Reads):
    """Reads of a streaming replica wherever it shows what was written here, else of the primary."""

    def __init__(
        self, database: Database, replica: Database, position: Position, *, chain: Chain = "shop", wait: float = WAIT
    ) -> None:
        super().__init__(database)
        self._replica = replica
        self._position = position
        self._chain = chain
        self._wait = wait
        self._wrote = False
        self._checked = False
        self._left_alone_until = 0.0

    @classmethod
    def of(cls, database: Database, url: str | None, home: Path) -> ReplicaReads:
        """The replica at `url`; its position is kept in the folder `home`. Raises NoReplica."""
        if url is None:
            raise NoReplica(reason="read_url names no replica")
        if database.dialect != "postgres" or not url.startswith("postgresql://"):
            raise NoReplica(reason="only PostgreSQL has streaming replicas")
        if "connect_timeout=" not in url:  # whoever asks a replica that is gone must not wait long for the primary
            url += f"{'&' if '?' in url else '?'}connect_timeout={_CONNECT_SECONDS}"
        return cls(database, open_database(url), Position(home / "read-position"))

    def read(self) -> AbstractContextManager[Unit]:
        """A read-only snapshot that has in it what was written here before."""
        wanted = self._wanted()
        return self._replica.read() if self._has_replayed(wanted) else self._database.read()

    def wrote(self) -> None:
        """See `Reads`; the position is asked for when it is needed, since the unit has yet to commit."""
        self._wrote = True

    def finish(self) -> None:
        """Close the replica, and keep the position of what was written."""
        self._replica.close()
        try:
            self._wanted()
        except ShopctlError as failure:  # the write is done, whatever becomes of reads
            _log.warning("the position of the last write is not known: %s", failure)

    def _wanted(self) -> int:
        if self._wrote:
            self._position.keep(self._written())
            self._wrote = False
        return self._position.read()

    def _written(self) -> int:
        with self._database.read() as unit:
            return number_of(unit.value("select cast(pg_current_wal_insert_lsn() as text)"))

    def _has_replayed(self, wanted: int) -> bool:
        if time.monotonic() < self._left_alone_until:
            return False
        deadline = time.monotonic() + self._wait
        try:
            if not self._checked:
                migrations.check(self._replica, self._chain)
                self._checked = True
            while (replayed := self._replayed()) < wanted:
                if time.monotonic() >= deadline:
                    self._forget_another_log(wanted)
                    return False
                time.sleep(_PAUSE)
        except ShopctlError as failure:
            _log.warning("reads go to the primary, the replica cannot be asked: %s", failure)
            self._left_alone_until = time.monotonic() + _LEFT_ALONE
            return False
        return replayed >= 0

    def _replayed(self) -> int:
        with self._replica.read() as unit:
            replayed = unit.value("select cast(pg_last_wal_replay_lsn() as text)")
        if replayed is None:
            raise NoReplica(reason="what read_url names replays nobody's log")
        return number_of(replayed)

    def _forget_another_log(self, wanted: int) -> None:
        """A position of before a restore may never be reached again: it lies beyond the end of the log there is."""
        if self._written() < wanted:
            self._position.forget()


def number_of(position: str) -> int:
    """`16/B374D848` as a number. Raises ValueError."""
    high, _, low = position.strip().partition("/")
    return int(high, 16) << 32 | int(low, 16)


def text_of(position: int) -> str:
    """The same number as PostgreSQL writes it."""
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"
