"""Users out of a file: many thousands a second, each bad row named, and the same file again changes nothing.

Users are added and changed a batch at a time, each batch with the same few statements however many users there are.
Where one bad row refuses the whole file, all batches are one unit; else each is committed, so that a killed import is
resumed by importing the file again, which finds what was done unchanged.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from itertools import islice
from mmap import mmap
from typing import Any, NamedTuple

from shopctl.auth.importing.ahead import Made, Maker
from shopctl.auth.importing.columns import IDENTIFYING, SPELLINGS, named
from shopctl.auth.importing.deciding import Decided, Decider
from shopctl.auth.importing.errors import NoUserColumn, PlainPassword, UsersChanged
from shopctl.auth.importing.report import Counts, Progress, Report, UserImport, silent
from shopctl.auth.importing.rows import BadRow, RowReader, UserRow
from shopctl.auth.importing.storing import Store
from shopctl.auth.system import AuthSystem
from shopctl.authdb import accounts, bulk
from shopctl.authdb.roles import all_names
from shopctl.kernel import ids
from shopctl.records.pipe import from_child
from shopctl.records.reading import Row, RowFile
from shopctl.records.rejects import Reject, RejectsFile, check_place
from shopctl.storage.errors import ConstraintBroken
from shopctl.storage.unit import Unit

BATCH = 5000  # rows
_SEAM = "\0"  # between cells


class _Batch(NamedTuple):
    """Rows that were read, as they come out of the process that reads: all values are plain."""

    rows: list[tuple[int, str, tuple[Any, ...]]]  # line, its cells in one text, `UserRow`
    made: list[tuple[Any, ...]]  # `Made`, of each row
    rejects: list[tuple[Any, ...]]  # `Reject`
    ignored: list[str]  # columns, so far
    position: int  # bytes of the file


class _Refused(Exception):
    """Takes back what was done of a file that is refused."""


class UserImportService:
    """Imports users. `rejects_folder` is where rejects go that nobody named a place for."""

    def __init__(self, system: AuthSystem, *, rejects_folder: str) -> None:
        self._system = system
        self._rejects_folder = rejects_folder

    def run(self, request: UserImport, progress: Progress = silent) -> Report:
        """Import a file.

        Rows that cannot be taken are in the report and in its rejects file; `Report.raise_for_rejects` makes an error
        of them. Raises BrokenFeed for what is no file of users, NotFound, UnreadableFile, RejectsUnwritable,
        UsersChanged.
        """
        started = time.monotonic()
        report = Report(ids.new("imp"), request.dry_run)
        check_place(request.rejects, request.path)
        with closing(RowFile(request.path, tuple(SPELLINGS), naming=lambda names: named(names).columns)) as file:
            _check_identity(file)
            usual = os.devnull if request.dry_run else os.path.join(self._rejects_folder, f"{report.import_id}.csv")
            with _without_cycles(), RejectsFile(request.rejects or usual, file.header) as rejects:
                _Run(self._system, request, file, rejects, report, progress).run()
        report.rejects_file = None if rejects.path == os.devnull else rejects.path
        report.rejects = [_shown(each) for each in rejects.first]
        report.seconds = time.monotonic() - started
        return report


class _Run:
    """One import under way."""

    def __init__(
        self, system: AuthSystem, request: UserImport, file: RowFile, rejects: RejectsFile, report: Report,
        progress: Progress,
    ) -> None:  # fmt: skip
        self._system = system
        self._request = request
        self._file = file
        self._rejects = rejects
        self._report = report
        self._progress = progress
        self._now = system.clock.now()
        self._decider = Decider(self._now)
        # What the process that reads is told while it does: whether rows are likely to be new users.
        self._seal_ahead = mmap(-1, 1)
        with system.database.read() as unit:
            self._roles = all_names(unit)
            self._seal_ahead[0] = self._empty = accounts.is_empty(unit)

    def run(self) -> None:
        together = self._request.on_error == "reject-file"
        try:
            if together:
                self._take_all_in_one_unit()
            else:
                self._take_batch_by_batch()
        except ConstraintBroken:
            raise UsersChanged() from None

    def _take_all_in_one_unit(self) -> None:
        counts = self._report.counts
        try:
            with self._whole_unit() as unit:
                if self._empty and accounts.is_empty(unit):
                    self._decider = Decider(self._now, first=True)
                for batch in self._batches(Maker(self._system, unit)):
                    self._take(unit, batch)
                if counts.rejected:
                    raise _Refused
                self._record(unit, counts)
        except _Refused:
            self._report.refused = True
            counts.created = counts.updated = counts.unchanged = counts.passwords_left_out = 0

    def _whole_unit(self) -> AbstractContextManager[Unit]:
        """The unit for the whole file; one into an empty database writes what it adds once, references last."""
        database = self._system.database
        if self._request.dry_run:
            return database.unit(dry_run=True)
        return bulk.first_load(database) if self._empty else database.unit()

    def _take_batch_by_batch(self) -> None:
        counts, done = self._report.counts, Counts()
        database = self._system.database
        # A dry run is one unit, since each batch has to see what the ones before it did.
        whole = database.unit(dry_run=True) if self._request.dry_run else nullcontext()
        with whole as shared:
            with nullcontext(shared) if shared is not None else database.unit() as unit:
                maker = Maker(self._system, unit)
            for batch in self._batches(maker):
                with nullcontext(shared) if shared is not None else database.unit() as unit:
                    self._take(unit, batch)
                    self._record(
                        unit, Counts(**{name: value - getattr(done, name) for name, value in vars(counts).items()})
                    )
                done = Counts(**vars(counts))

    def _batches(self, maker: Maker) -> Iterator[_Batch]:
        """The file's rows, some thousands at a time, read by a process of its own."""
        self._keys = maker.keys
        for batch in map(_Batch._make, from_child(lambda: self._produce(maker))):
            counts = self._report.counts
            counts.rows += len(batch.rows) + len(batch.rejects)
            counts.rejected += len(batch.rejects)
            self._report.ignored = batch.ignored
            yield batch
            self._progress(batch.position, counts)

    def _produce(self, maker: Maker) -> Iterator[tuple[Any, ...]]:
        reader, source = RowReader(self._roles), iter(self._file)
        while records := list(islice(source, BATCH)):
            batch = _Batch([], [], [], [*self._file.ignored], self._file.position)
            rows = []
            for record in records:
                if isinstance(record, Reject):
                    batch.rejects.append(tuple(record))
                    continue
                try:
                    rows.append(row := reader.read(record.values))
                except BadRow as bad:
                    cells = _without_secret(record) if isinstance(bad.why, PlainPassword) else list(record.cells)
                    batch.rejects.append(tuple(bad.reject(record.line, cells)))
                else:
                    batch.rows.append((record.line, _joined(record.cells), tuple(row)))
            batch.made.extend(map(tuple, maker.made(rows, seal=bool(self._seal_ahead[0]))))
            yield tuple(batch)

    def _take(self, unit: Unit, batch: _Batch) -> None:
        rows = [UserRow._make(says) for _, _, says in batch.rows]
        made = [Made._make(each) for each in batch.made]
        if self._system.sealer.active_keys(unit) != self._keys:  # replaced since, which is rare
            made = Maker(self._system, unit).made(rows, seal=False)
        store = Store(self._system, unit, self._now)
        nobody = self._decider.first
        stored = store.of_nobody(rows, self._roles) if nobody else store.looked_up(rows, made, self._roles)
        decided = Decided()
        rejects = [Reject._make(each) for each in batch.rejects]
        for row, each, (line, cells, _) in zip(rows, made, batch.rows, strict=True):
            try:
                self._decider.decide(row, each, line, stored, decided)
            except BadRow as bad:
                rejects.append(bad.reject(line, cells.split(_SEAM)))
        store.save(decided)
        self._seal_ahead[0] = 2 * len(decided.new) > len(rows)
        counts = self._report.counts
        counts.created += len(decided.new)
        counts.updated += len(decided.changed)
        counts.unchanged += decided.unchanged
        counts.passwords_left_out += decided.left_out
        counts.rejected += len(rejects) - len(batch.rejects)
        for reject in sorted(rejects):
            self._rejects.add(reject)

    def _record(self, unit: Unit, counts: Counts) -> None:
        if counts.changed:
            facts = {"import_id": self._report.import_id, **vars(counts)}
            self._system.audit.record(unit, "user.import", None, facts, count=counts.changed)


def _joined(cells: Sequence[str]) -> str:
    """Cells as one text, which travels at a fraction of the cost; only in a column that is ignored can a NUL stand."""
    text = _SEAM.join(cells)
    return text if text.count(_SEAM) < len(cells) else _SEAM.join(cell.replace(_SEAM, "") for cell in cells)


def _check_identity(file: RowFile) -> None:
    if file.format == "csv" and file.names and not set(file.names) & set(IDENTIFYING):
        raise NoUserColumn(file=file.source.name, columns=", ".join(map(repr, file.header[:10])))


def _shown(reject: Reject) -> dict[str, object]:
    """A reject for the report: its cells stay in the file, which only its owner can read."""
    return {name: value for name, value in reject._asdict().items() if name != "cells"}


def _without_secret(row: Row) -> list[str]:
    """The cells of a row without the password in it, which is written nowhere."""
    secret = row.values["password"]
    return ["" if cell == secret else _json_without(cell, secret) for cell in row.cells]


def _json_without(cell: str, secret: str) -> str:
    import json

    if not cell.startswith("{"):
        return cell
    record = json.loads(cell)
    return json.dumps({name: "" if value == secret else value for name, value in record.items()}, ensure_ascii=False)


@contextmanager
def _without_cycles() -> Iterator[None]:
    """Rows hold no cycles, and the collector would look for some in all of them again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
