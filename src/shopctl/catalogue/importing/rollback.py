"""Taking an import back: what it changed becomes what it was, unless somebody has changed it since."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shopctl.catalogue import due, history, queries
from shopctl.catalogue.importing import run as runs
from shopctl.catalogue.importing import undoing
from shopctl.catalogue.importing.errors import ImportNotFound, RollbackConflict, RollbackOvertaken, RolledBackAlready
from shopctl.catalogue.importing.journal import UNFINISHED
from shopctl.catalogue.importing.merging import abandon_others
from shopctl.catalogue.importing.staleness import shown
from shopctl.catalogue.importing.undoing import Changed, Made, Undone
from shopctl.kernel.clock import Clock
from shopctl.storage.database import Database
from shopctl.storage.unit import Unit

if TYPE_CHECKING:
    from shopctl.audit.service import Audit

Progress = Callable[[int], None]

_WAIT = 1.0  # seconds
_BATCH = 2000
_SHOWN_CHANGES = 1000


@dataclass
class RollbackReport:
    """What a rollback did, or (dry run) would do, in products."""

    import_id: str
    source: str
    dry_run: bool
    resumed: bool = False
    restored: int = 0  # updated by the import, and as they were before it now
    reinstated: int = 0  # retired by the import for being gone from its feed, and back
    removed: int = 0  # created by the import, and gone
    retired: int = 0  # created by the import and in use since, so that they stay, out of sight
    seconds: float = 0.0
    changes: list[dict[str, Any]] = field(default_factory=list)  # dry run: the first of them, field by field

    @property
    def changed(self) -> int:
        """How many products became, or would become, different."""
        return self.restored + self.reinstated + self.removed + self.retired

    def as_dict(self) -> dict[str, Any]:
        """The report as scripts read it."""
        counts = {name: getattr(self, name) for name in _COUNTS}
        found = {"import_id": self.import_id, **counts, "seconds": round(self.seconds, 3)}
        found |= {"resumed": self.resumed, "dry_run": self.dry_run}
        return found | {"changes": self.changes} if self.dry_run else found


_COUNTS = ("restored", "reinstated", "removed", "retired")


class RollbackService:
    """Takes imports back."""

    def __init__(self, database: Database, audit: Audit, clock: Clock) -> None:
        self.database = database
        self.audit = audit
        self.clock = clock

    def run(self, import_id: str, *, dry_run: bool = False, progress: Progress = lambda _done: None) -> RollbackReport:
        """Give every product that the import changed the values it had before; stock stays as it is.

        Products it created are removed; those in use since (stock moved or reserved, parent or component of products
        that stay) are retired instead. One that was killed is gone on with. Raises ImportNotFound, RolledBackAlready,
        RollbackConflict (nothing is changed) naming the products that changed since, Locked; RollbackOvertaken when
        one changed while the others were rolled back.
        """
        started = time.monotonic()
        with self.database.exclusive("catalogue.import", wait=_WAIT):
            if not dry_run:
                due.tell(self.database, self.clock)
            with self.database.unit(dry_run=dry_run) as unit:
                report = self._begin(unit, import_id, dry_run)
                used = undoing.in_use(unit, import_id)
                if dry_run:
                    self._preview(unit, report, used)
            if not dry_run:
                self._undo_all(report, used, progress)
        report.seconds = time.monotonic() - started
        return report

    def _begin(self, unit: Unit, import_id: str, dry_run: bool) -> RollbackReport:
        found = undoing.state_of(unit, import_id)
        if found is None:
            raise ImportNotFound(import_id=import_id)
        if found.state == "rolled_back":
            raise RolledBackAlready(import_id=import_id)
        if found.state in UNFINISHED:  # it was killed; to take it back is to give it up
            abandon_others(unit, self.audit, self.clock.now())
        if changed := undoing.changed_since(unit, import_id):
            raise RollbackConflict(changed=len(changed), products=shown(unit, changed))
        undoing.set_state(unit, import_id, "rolling_back")
        return RollbackReport(import_id, found.source, dry_run, resumed=found.state == "rolling_back")

    def _undo_all(self, report: RollbackReport, used: frozenset[int], progress: Progress) -> None:
        done, after = 0, 0
        while True:
            with self.database.unit() as unit:
                before = done
                for batch in self._batches(unit, report.import_id, after):
                    try:
                        undone = undoing.undo(
                            unit, report.import_id, batch, used, actor=self.audit.actor, now=self.clock.now()
                        )
                    except Changed as changed:
                        self._overtaken(unit, report, changed)
                    done, after = done + len(undone), batch[-1].id
                    if done - before >= runs.PORTION:
                        break
                if done - before < runs.PORTION:
                    self._finish(unit, report)
                    return
            progress(done)

    def _finish(self, unit: Unit, report: RollbackReport) -> None:
        for name, count in undoing.totals(unit, report.import_id).items():
            setattr(report, name, count)
        undoing.set_state(unit, report.import_id, "rolled_back")
        facts = {name: getattr(report, name) for name in _COUNTS}
        self.audit.record(unit, "catalogue.rollback", report.import_id, facts, count=report.changed)

    def _overtaken(self, unit: Unit, report: RollbackReport, changed: Changed) -> None:
        facts: dict[str, Any] = {"changed": len(changed.differing), "products": shown(unit, changed.differing)}
        done = sum(undoing.totals(unit, report.import_id).values())
        raise RollbackOvertaken(done=done, **facts) from None

    def _batches(self, unit: Unit, import_id: str, after: int) -> Iterator[list[Made]]:
        while batch := undoing.made(unit, import_id, after=after, limit=_BATCH):
            yield batch
            after = batch[-1].id

    def _preview(self, unit: Unit, report: RollbackReport, used: frozenset[int]) -> None:
        now = self.clock.now()
        for batch in self._batches(unit, report.import_id, 0):
            products = queries.by_ids(unit, [each.product_id for each in batch], now=now)
            for undone in undoing.planned(batch, products, used):
                setattr(report, undone.what, getattr(report, undone.what) + 1)
                if len(report.changes) < _SHOWN_CHANGES:
                    report.changes.append(_change(undone))


def _change(undone: Undone) -> dict[str, Any]:
    rows: Sequence[history.Difference] = list(history.compare(undone.before, undone.after))
    fields = {row.field: {"from": row.before, "to": row.after} for row in rows}
    return {"sku": undone.before.sku, "action": _ACTIONS[undone.what], "fields": fields}


_ACTIONS = {"restored": "restore", "reinstated": "reinstate", "removed": "remove", "retired": "retire"}
