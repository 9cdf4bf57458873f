"""Keeps the search index in step with the change log: catches up, or builds it anew aside."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from shopctl.catalogue import positions
from shopctl.catalogue.engines.errors import IndexBusy, IndexNotWritten, IndexUnusable
from shopctl.catalogue.generations import Generations
from shopctl.catalogue.ports import Document, Engine, Index
from shopctl.storage.unit import Unit

if TYPE_CHECKING:
    from shopctl.storage.database import Database

SMALL = 5000
"""So many changes a search takes into the index before it answers; more are left to `refresh`."""

_REBUILD = 20_000  # from so many changes on, and when they are most of the catalogue, building anew is faster
_WAIT = 30.0  # seconds
_TOLD = 1000  # documents between two reports of progress

Progress = Callable[[int], None]
Note = Callable[[str], None]


def silent(_: object) -> None:
    """Reports to nobody."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An index and how many changes it does not hold yet."""

    index: Index
    lag: int


class Refreshed(NamedTuple):
    """What keeping the index in step took: documents it holds, those written, changes still missing, seconds."""

    documents: int
    written: int
    rebuilt: bool
    lag: int
    seconds: float


class Indexing:
    """The index of one shop in one folder."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self._last: tuple[tuple[Path, object], Index] | None = None
        self.generations = Generations(folder, f"{engine.name}-{engine.format}-{engine.language}")

    def kept(self, path: Path | None) -> Index | None:
        """The index in use, opened once for as long as nothing is committed to it; for reading only. As `opened`.

        `path` is that of the generation in use.
        """
        stamp = None if path is None else self._stamp(path)
        last = self._last
        if stamp is not None and last is not None and last[0] == stamp:
            return last[1]
        index = self.opened()
        # Taken before it was opened: a commit in between makes it be opened again, never missed.
        self._last = None if index is None or stamp is None else (stamp, index)
        return index

    def opened(self) -> Index | None:
        """The index in use; None when there is none. Raises IndexUnusable."""
        while (path := self.generations.current()) is not None:
            try:
                index = self.engine.open(path)
            except IndexUnusable:
                # It was replaced between looking and opening.
                if self.generations.current() != path:
                    continue
                if not path.is_dir():
                    return None
                raise
            _ = index.position  # one that was never finished is of no use
            return index
        return None

    def replaced(self, database: Database, before: Path | None, why: str, note: Note) -> Index:
        """Another index than that of `before`, which is of no use: built now, or by the process that is at it.

        `note` is told why it has to be built, or that another process is waited for. Raises IndexBusy, IndexNotWritten.
        """
        with ExitStack() as held:
            try:
                held.enter_context(self.generations.alone())
            except IndexBusy:
                note("waiting for another process, which is building the search index")
                held.enter_context(self.generations.alone(wait=_WAIT))
            if self.generations.current() != before and (index := self._usable()) is not None:
                return index
            note(f"building the search index: {why}")
            with database.read() as unit:
                return self._built(unit, silent)

    def ready(self, unit: Unit, index: Index) -> Standing:
        """The index as current as can be without waiting for another writer.

        `unit` must have been begun after `index` was opened, so that it shows all that the index holds. Raises
        IndexUnusable for an index of another log.
        """
        lag = positions.lag(unit, index.position)
        if lag is None:
            raise IndexUnusable(reason="the database is not the one it was made from, or was restored")
        if not 0 < lag <= SMALL:
            return Standing(index, lag)
        try:
            with self.generations.alone():
                # Another process may have written since, even another generation; what is newer than this snapshot
                # must not be searched in it.
                newest = self.opened()
                if newest is not None and newest.position.seen <= positions.latest(unit).seen:
                    index = newest
                    self._caught_up(unit, index)
        except (IndexBusy, IndexNotWritten):
            pass  # another process is at it, or this one may only read: what is there is searched
        return Standing(index, positions.lag(unit, index.position) or 0)

    def refresh(self, database: Database, progress: Progress = silent) -> Refreshed:
        """Take in every change there is, anew if that is faster; nothing is written when nothing changed.

        Waits for another writer. Raises IndexBusy, IndexNotWritten.
        """
        started = time.monotonic()
        index = self._usable()
        with database.read() as unit:
            if index is not None and positions.lag(unit, index.position) == 0:
                return Refreshed(index.documents, 0, False, 0, time.monotonic() - started)
        with self.generations.alone(wait=_WAIT):
            index = self._usable()
            with database.read() as unit:
                if index is None or self._better_anew(unit, index):
                    index = self._built(unit, progress)
                    written, rebuilt = index.documents, True
                else:
                    written, rebuilt = self._caught_up(unit, index, progress), False
                lag = positions.lag(unit, index.position) or 0
        return Refreshed(index.documents, written, rebuilt, lag, time.monotonic() - started)

    def rebuild(self, database: Database, progress: Progress = silent) -> Refreshed:
        """Build the index anew aside, whatever there is. Raises IndexBusy, IndexNotWritten."""
        started = time.monotonic()
        with self.generations.alone(wait=_WAIT), database.read() as unit:
            index = self._built(unit, progress)
            lag = positions.lag(unit, index.position) or 0
        return Refreshed(index.documents, index.documents, True, lag, time.monotonic() - started)

    def _stamp(self, path: Path) -> tuple[Path, object] | None:
        try:
            return path, self.engine.stamp(path)
        except (OSError, ValueError):
            return None

    def _usable(self) -> Index | None:
        try:
            return self.opened()
        except IndexUnusable:
            return None

    def _better_anew(self, unit: Unit, index: Index) -> bool:
        lag = positions.lag(unit, index.position)
        if lag is None:
            return True
        return lag >= _REBUILD and 2 * lag > index.documents

    def _caught_up(self, unit: Unit, index: Index, progress: Progress = silent) -> int:
        from shopctl.catalogue.documents import documents_of

        until = positions.latest(unit)
        if until.seen <= index.position.seen:
            return 0
        ids = positions.changed_products(unit, index.position, until)
        if not ids:
            return 0
        with index.writer(bulk=len(ids) > SMALL) as writer:
            writer.remove(ids)
            writer.add(_told(documents_of(unit, ids), progress))
            writer.commit(until)
        index.renew()
        return len(ids)

    def _built(self, unit: Unit, progress: Progress) -> Index:
        from shopctl.catalogue.documents import all_documents

        position = positions.latest(unit)
        path = self.generations.create()
        try:
            index = self.engine.create(path)
            with index.writer(bulk=True) as writer:
                writer.add(_told(all_documents(unit), progress))
                writer.commit(position)
            index.renew()
            self.generations.publish(path)
        except BaseException:
            self.generations.discard(path)
            raise
        return index


def _told(documents: Iterator[Document], progress: Progress) -> Iterator[Document]:
    count = 0
    for count, document in enumerate(documents, 1):
        yield document
        if not count % _TOLD:
            progress(count)
    progress(count)
