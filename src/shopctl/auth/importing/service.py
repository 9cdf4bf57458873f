"""Users out of a file: many thousands a second, each bad row named, and the same file again changes nothing.

Users are added and changed a batch at a time, each batch with the same few statements however many users there are.
Where one bad row refuses the whole file, all batches are one unit; else each is committed with the journal, from which
a killed import goes on.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from mmap import mmap

from shopctl.auth.importing import journal as journals
from shopctl.auth.importing.ahead import Made, Maker
from shopctl.auth.importing.columns import IDENTIFYING, SPELLINGS, named
from shopctl.auth.importing.deciding import Decided, Decider
from shopctl.auth.importing.errors import NoUserColumn, UsersChanged
from shopctl.auth.importing.journal import Journal
from shopctl.auth.importing.reading import Batch, batches, cells_of
from shopctl.auth.importing.report import Counts, Progress, Report, UserImport, silent
from shopctl.auth.importing.rows import BadRow, UserRow
from shopctl.auth.importing.storing import Store
from shopctl.auth.system import AuthSystem
from shopctl.authdb import accounts, bulk
from shopctl.authdb.roles import all_names
from shopctl.kernel import ids
from shopctl.records.outcome import shown
from shopctl.records.pipe import from_child
from shopctl.records.reading import RowFile
from shopctl.records.rejects import Reject, RejectsFile, check_place
from shopctl.storage.errors import ConstraintBroken
from shopctl.storage.unit import Unit

_WAIT = 1.0  # seconds; the reader of an import that was just killed is given the time to go


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
        UsersChanged, OtherImportStopped; JobLocked while another import runs.
        """
        started = time.monotonic()
        report = Report(ids.new("imp"), request.dry_run)
        check_place(request.rejects, request.path)
        with (
            closing(RowFile(request.path, tuple(SPELLINGS), naming=lambda names: named(names).columns)) as file,
            self._system.database.exclusive("user.import", wait=_WAIT),
        ):
            _check_identity(file)
            journal = None if request.dry_run else journals.begun(self._system, request, file, report)
            usual = os.devnull if request.dry_run else os.path.join(self._rejects_folder, f"{report.import_id}.csv")
            with _without_cycles(), RejectsFile(request.rejects or usual, file.header) as rejects:
                _Run(self._system, request, file, rejects, report, progress).run(journal)
            if journal is not None:
                journals.ended(self._system)
        report.rejects_file = None if rejects.path == os.devnull else rejects.path
        report.rejects = [shown(each) for each in rejects.first]
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

    def run(self, journal: Journal | None) -> None:
        try:
            if journal is not None:
                self._take_batch_by_batch(journal)
            elif self._request.on_error == "reject-file":
                self._take_all_or_nothing()
            else:  # a dry run is one unit, since each batch has to see what the ones before it did
                with self._system.database.unit(dry_run=True) as unit:
                    self._take_all(unit)
        except ConstraintBroken:
            raise UsersChanged() from None

    def _take_all_or_nothing(self) -> None:
        counts = self._report.counts
        try:
            with self._whole_unit() as unit:
                if self._empty and not self._request.dry_run and accounts.is_empty(unit):
                    self._decider = Decider(self._now, first=True)
                self._take_all(unit)
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

    def _take_all(self, unit: Unit) -> None:
        for batch in self._batches(Maker(self._system, unit)):
            self._take(unit, batch)

    def _take_batch_by_batch(self, journal: Journal) -> None:
        counts, database = self._report.counts, self._system.database
        with database.unit() as unit:
            maker = Maker(self._system, unit)
        for batch in self._batches(maker, done=journal.line):
            if batch.last <= journal.line:
                with database.read() as unit:
                    self._recall(unit, batch, journal)
                continue
            before = Counts(**vars(counts))
            with database.unit() as unit:
                rejects = self._take(unit, batch)
                journal.save(unit, batch.last, counts, rejects)
                self._record(
                    unit, Counts(**{name: value - getattr(before, name) for name, value in vars(counts).items()})
                )

    def _batches(self, maker: Maker, done: int = 0) -> Iterator[Batch]:
        """The file's rows, some thousands at a time, read by a process of its own."""
        self._keys = maker.keys
        read = from_child(lambda: batches(self._file, self._roles, maker, done, lambda: bool(self._seal_ahead[0])))
        for batch in map(Batch._make, read):
            self._report.ignored = batch.ignored
            yield batch
            self._progress(batch.position, self._report.counts)

    def _take(self, unit: Unit, batch: Batch) -> list[Reject]:
        """Do what the rows of a batch say; those that are not taken."""
        rows, made = self._rows(unit, batch)
        store = Store(self._system, unit, self._now)
        nobody = self._decider.first
        stored = store.of_nobody(rows, self._roles) if nobody else store.looked_up(rows, made, self._roles)
        decided = Decided()
        rejects = [Reject._make(each) for each in batch.rejects]
        for row, each, (line, cells, _) in zip(rows, made, batch.rows, strict=True):
            try:
                self._decider.decide(row, each, line, stored, decided)
            except BadRow as bad:
                rejects.append(bad.reject(line, cells_of(cells)))
        store.save(decided)
        self._seal_ahead[0] = 2 * len(decided.new) > len(rows)
        counts = self._report.counts
        counts.rows += len(rows) + len(batch.rejects)
        counts.created += len(decided.new)
        counts.updated += len(decided.changed)
        counts.unchanged += decided.unchanged
        counts.passwords_left_out += decided.left_out
        counts.rejected += len(rejects)
        for reject in sorted(rejects):
            self._rejects.add(reject)
        return rejects

    def _recall(self, unit: Unit, batch: Batch, journal: Journal) -> None:
        """Remember what an earlier attempt did with a batch, which is counted already."""
        rows, made = self._rows(unit, batch)
        said = journal.rejects(unit, batch.first, batch.last)
        cells = {reject.line: reject.cells for reject in map(Reject._make, batch.rejects)}
        cells |= {line: cells_of(joined) for line, joined, _ in batch.rows if line in said}
        for line, (field, code, message) in said.items():
            self._rejects.add(Reject(line, field, code, message, cells.get(line, [])))
        taken = [
            (line, row, each)
            for row, each, (line, _, _) in zip(rows, made, batch.rows, strict=True)
            if line not in said
        ]
        keys = Store(self._system, unit, self._now).name_keys([(row, each) for _, row, each in taken])
        for (line, _, _), key in zip(taken, keys, strict=True):
            self._decider.recall(key, line)

    def _rows(self, unit: Unit, batch: Batch) -> tuple[list[UserRow], list[Made]]:
        rows = [UserRow._make(says) for _, _, says in batch.rows]
        made = [Made._make(each) for each in batch.made]
        if self._system.sealer.active_keys(unit) != self._keys:  # replaced since, which is rare
            made = Maker(self._system, unit).made(rows, seal=False)
        return rows, made

    def _record(self, unit: Unit, counts: Counts) -> None:
        if counts.changed:
            facts = {"import_id": self._report.import_id, **vars(counts)}
            self._system.audit.record(unit, "user.import", self._report.import_id, facts, count=counts.changed)


def _check_identity(file: RowFile) -> None:
    if file.format == "csv" and file.names and not set(file.names) & set(IDENTIFYING):
        raise NoUserColumn(file=file.source.name, columns=", ".join(map(repr, file.header[:10])))


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
