"""Files of customers into the shop: every row is taken, or named with its line and the reason.

By default one bad row refuses the file: it is read twice, first to find out. What comes from a pipe is kept aside for
that, under a key that only this process has. Rows go in by batches, a unit each; a run that was killed is completed by
importing the same file again, to which all that went in is unchanged.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from shopctl.customers.deciding import Decided, Deciding
from shopctl.customers.errors import RowsRejected, RowsSkipped
from shopctl.customers.ports import Users
from shopctl.customers.rows import COLUMNS
from shopctl.customers.storing import Storing
from shopctl.kernel import ids
from shopctl.kernel.clock import Clock
from shopctl.records.outcome import RowImport, facts_of_rejects, shown
from shopctl.records.reading import Row, RowFile
from shopctl.records.rejects import Reject, RejectsFile, check_place
from shopctl.records.source import Limits
from shopctl.records.twice import Twice
from shopctl.storage.database import Database
from shopctl.storage.errors import ConstraintBroken
from shopctl.storage.sealed_spool import SealedSpool
from shopctl.storage.sealing import Sealer

if TYPE_CHECKING:
    from shopctl.audit.service import Audit

BATCH = 500  # rows of a unit, fewer where they are long
_LIMITS = Limits(record_bytes=1 << 20)


@dataclass
class Report:
    """What an import did, or (dry run, or refused) would do; `rejects` are the first of them."""

    import_id: str = ""
    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    seconds: float = 0.0
    rejects_file: str | None = None
    dry_run: bool = False
    refused: bool = False  # nothing was changed because of the rejects
    resumed: ClassVar[bool] = False
    rejects: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The report as scripts read it."""
        return asdict(self) | {"seconds": round(self.seconds, 3)}

    def raise_for_rejects(self) -> None:
        """Say with an error that rows were not taken. Raises RowsRejected (exit 12), RowsSkipped (exit 6)."""
        if not self.rejected:
            return
        facts = facts_of_rejects(self.rows, self.rejected, self.rejects_file, dry_run=self.dry_run)
        raise RowsRejected(**facts) if self.refused else RowsSkipped(**facts)


Progress = Callable[[int, Report], None]  # bytes of the file read, and the counts so far


class ImportService:
    """Brings files of customers into the shop."""

    def __init__(
        self,
        database: Database,
        audit: Audit,
        clock: Clock,
        sealer: Sealer,
        users: Users,
        *,
        rejects_folder: str,
    ) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._sealer = sealer
        self._users = users
        self._rejects_folder = rejects_folder

    def run(self, request: RowImport, progress: Progress = lambda position, report: None) -> Report:
        """Import a file.

        Raises BrokenFeed when it cannot be read as a whole, NotFound, RejectsUnwritable; rows that were not taken are
        in the report, see `Report.raise_for_rejects`.
        """
        check_place(request.rejects, request.path)
        began = time.monotonic()
        import_id = ids.new("imp")
        place = request.rejects or f"{self._rejects_folder}/{import_id}.csv"
        with Twice(request.path, COLUMNS, _LIMITS, spool=SealedSpool) as files:
            if request.dry_run or request.on_error == "reject-file":
                report = self._pass(files.first(), request, import_id, place, progress, write=False)
                if not request.dry_run and not report.rejected:
                    report = self._pass(files.again(), request, import_id, place, progress, write=True)
                elif report.rejected:
                    report.refused = request.on_error == "reject-file"
            else:
                report = self._pass(files.only(), request, import_id, place, progress, write=True)
        report.seconds = time.monotonic() - began
        return report

    def _pass(
        self, file: RowFile, request: RowImport, import_id: str, place: str, progress: Progress, *, write: bool
    ) -> Report:
        """Read the file to its end, and write what it says if that is wanted."""
        report = Report(import_id, dry_run=request.dry_run)
        deciding = Deciding(self._sealer, self._users, self._clock)
        with ExitStack() as stack:
            stack.callback(file.close)
            rejects = stack.enter_context(RejectsFile(place, file.header))
            if write:
                stack.enter_context(self._database.scrubbing())
            for batch in _batches(file):
                decided = self._decided(deciding, batch, import_id if write else None)
                deciding.done(decided)
                for reject in decided.rejects:
                    rejects.add(reject)
                report.rows += len(batch)
                report.rejected += len(decided.rejects)
                report.created += decided.created
                report.updated += decided.updated
                report.unchanged += len(batch) - len(decided.rejects) - len(decided.changes)
                progress(file.position, report)
        report.rejects_file = rejects.path
        report.rejects = [shown(each) for each in rejects.first]
        return report

    def _decided(self, deciding: Deciding, batch: Sequence[Row | Reject], import_id: str | None) -> Decided:
        """Decide; when another writer took the same id or address in between, again, and the row is rejected."""
        try:
            return self._batch(deciding, batch, import_id)
        except ConstraintBroken:
            return self._batch(deciding, batch, import_id)

    def _batch(self, deciding: Deciding, batch: Sequence[Row | Reject], import_id: str | None) -> Decided:
        if import_id is None:
            with self._database.read() as unit:
                return deciding.decide(unit, batch)
        with self._database.unit() as unit:
            decided = deciding.decide(unit, batch, lock=True)
            if decided.changes:
                Storing(unit, self._sealer).store(decided.changes)
                facts = {"created": decided.created, "updated": decided.updated}
                self._audit.record(unit, "customer.import", import_id, facts, count=len(decided.changes))
        return decided


def _batches(records: Iterable[Row | Reject]) -> Iterator[list[Row | Reject]]:
    """Up to `BATCH` records, fewer where they are so long that together they would fill the memory."""
    batch: list[Row | Reject] = []
    size = 0
    for record in records:
        batch.append(record)
        size += sum(map(len, record.cells))
        if len(batch) == BATCH or size > _LIMITS.record_bytes:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
