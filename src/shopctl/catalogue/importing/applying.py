"""Applying a plan: exactly what it shows is carried out, or nothing where the catalogue is another by now."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from shopctl.catalogue import due
from shopctl.catalogue.feed.row import LINE, FeedRow
from shopctl.catalogue.importing import journal as journals
from shopctl.catalogue.importing import planning, stage
from shopctl.catalogue.importing import run as runs
from shopctl.catalogue.importing.current import Current
from shopctl.catalogue.importing.errors import PlanApplied, PlanOvertaken, StalePlan
from shopctl.catalogue.importing.guards import Guards, Result, combined
from shopctl.catalogue.importing.journal import Counts, Journal
from shopctl.catalogue.importing.known import KnownRecords
from shopctl.catalogue.importing.merging import Merging, abandon_others
from shopctl.catalogue.importing.outcome import Outcome
from shopctl.catalogue.importing.plan_file import Plan, read_plan
from shopctl.catalogue.importing.planned import Differs, carried_out
from shopctl.catalogue.importing.preview import Preview
from shopctl.catalogue.importing.prune import Missing, retire
from shopctl.catalogue.importing.request import Progress, Report, silent
from shopctl.catalogue.importing.staleness import Difference, retirement_differences, row_difference, shown
from shopctl.catalogue.importing.survey import survey
from shopctl.kernel import clock
from shopctl.kernel.clock import Clock, Instant
from shopctl.storage.database import Database
from shopctl.storage.unit import Unit, json_array

if TYPE_CHECKING:
    from shopctl.audit.service import Audit

_WAIT = 1.0  # seconds
_BATCH = 2000
_SHOWN_CHANGES = 1000


class ApplyService:
    """Carries out the plans that dry runs of imports have made."""

    def __init__(self, database: Database, audit: Audit, clock: Clock, *, guards: Sequence[str] = ()) -> None:
        self.database = database
        self.audit = audit
        self.clock = clock
        self.guards = guards

    def run(self, path: str, *, dry_run: bool = False, progress: Progress = silent) -> Report:
        """Carry out a plan ("-": standard input) and report as the import would have.

        One whose applying was killed is gone on with. The guards of the plan and of the settings are measured anew.
        Raises PlanNotFound, PlanUnusable, PlanOfAnotherShop, PlanApplied; StalePlan with what differs (nothing is
        changed; PlanOvertaken when something was before a product changed under our hands); Locked.
        """
        with self.database.unit() as unit:
            here = self.audit.database_id(unit)
        plan = read_plan(
            path,
            database_id=here,
            check=lambda shop, code, key, mac: self.audit.is_signed(shop, planning.KIND, code, key, mac),
        )
        with self.database.exclusive("catalogue.import", wait=_WAIT):
            if not dry_run:
                due.tell(self.database, self.clock)
            return _Applying(self, plan, dry_run, progress).run()


class _Applying:
    """One plan being applied."""

    def __init__(self, service: ApplyService, plan: Plan, dry_run: bool, progress: Progress) -> None:
        self.database, self.audit, self.clock = service.database, service.audit, service.clock
        self.plan = plan
        self.dry_run = dry_run
        self.progress = progress
        self.started = time.monotonic()
        self.guards = combined(service.guards, [guard["rule"] for guard in plan.header["guards"]])
        self.judged: list[Result] = []
        self.changes: list[dict[str, Any]] = []
        self.resumed = False
        self.fingerprint = f"plan {plan.header['plan_id']}"

    def run(self) -> Report:
        journal = self._begin()
        try:
            if journal.state == "reading":
                self._stage(journal)
                self._decide(journal)
            if journal.state == "merging" and not self.dry_run:
                self._merge(journal)
        finally:
            if journal.state in ("reading", "refused") or self.dry_run:
                with self.database.unit() as unit:
                    keep = journal.state == "refused" and not self.dry_run
                    journals.close_unmerged(unit, journal, keep=keep, now=self.clock.now())
        return self._report(journal)

    def _begin(self) -> Journal:
        header = self.plan.header
        with self.database.unit() as unit:
            if done := journals.applied(unit, self.fingerprint):
                raise PlanApplied(import_id=done[0], at=clock.show(done[1]))
            journal = None if self.dry_run else journals.resumable(unit, self.fingerprint)
            self.resumed = journal is not None
            if journal is None:
                if not self.dry_run:
                    abandon_others(unit, self.audit, self.clock.now())
                journal = journals.start(
                    unit,
                    feed=journals.feed_id(unit, header["feed"]),
                    source=header["source"],
                    fingerprint=self.fingerprint,
                    mode="staged",
                    actor=self.audit.actor,
                    reason=self.audit.reason or "",
                    now=self.clock.now(),
                )
        return journal

    def _stage(self, journal: Journal) -> None:
        # An attempt that was killed while it staged is begun anew, which is quicker than finding out where it stopped.
        with self.database.unit() as unit:
            journals.drop_stage(unit, journal.id)
        rows = self.plan.rows()
        while portion := list(islice(rows, runs.PORTION)):
            with self.database.unit() as unit:
                stage.add(unit, journal.id, portion)
            journal.line = portion[-1][LINE]
            self.progress(0, journal.counts)

    def _decide(self, journal: Journal) -> None:
        journal.counts = self._counts()
        with self.database.unit(dry_run=self.dry_run) as unit:
            differing = list(retirement_differences(unit, self.plan.retirements()))
            # What was right together when it was planned may not be so any more: a parent that became a variant.
            before = journal.counts.rejected
            stage.settle(unit, journal, KnownRecords(()))
            if journal.counts.rejected > before:
                rejects = journals.rejects(unit, journal.id)
                differing += [Difference(each.sku, f"cannot go in any more: {each.message}") for each in rejects]
            preview, guards = Preview(journal.counts, _SHOWN_CHANGES), Guards(self.guards)

            def judge(row: FeedRow, current: Current | None) -> Outcome | None:
                try:
                    return carried_out(row, current)
                except Differs as found:
                    differing.append(row_difference(found))
                    return None

            survey(unit, journal, [preview, guards], judge=judge, gone=self._present(unit))
            self.changes, self.judged = preview.changes, guards.judged(unit, journal)
            if differing:
                raise StalePlan(changed=len(differing), products=shown(unit, differing))
            journal.state = "refused" if any(each.broken for each in self.judged) else "merging"
            if not self.dry_run:
                journal.counts = self._counts()
                journals.save(unit, journal)

    def _merge(self, journal: Journal) -> None:
        merging = Merging(self.database, self.audit, self.clock, journal, judge=carried_out)
        try:
            size = os.fstat(self.plan.file.fileno()).st_size
            merging.stage(lambda share: self.progress(round(share * size), journal.counts))
            merging.finish("catalogue.apply", lambda unit, now: self._retire(unit, journal, now))
        except Differs as found:
            self._overtaken(journal, [row_difference(found)])
        except _Retired as found:
            self._overtaken(journal, found.differing)

    def _retire(self, unit: Unit, journal: Journal, now: Instant) -> int:
        retirements = list(self.plan.retirements())
        if differing := list(retirement_differences(unit, retirements)):
            raise _Retired(differing)
        gone = list(self._present(unit, lock=True))
        retire(unit, journal, gone, actor=self.audit.actor, now=now)
        return len(gone)

    def _overtaken(self, journal: Journal, differing: Sequence[Difference]) -> None:
        """Somebody changed a product between our look at the whole and its turn."""
        with self.database.unit() as unit:
            products = shown(unit, differing)
            # As it is stored: the counts of the portion that was rolled back are not true.
            done = journals.progress(unit, journal.id)
            facts: dict[str, Any] = {"changed": len(differing), "products": products, "import_id": journal.id}
            if not done:
                journal.counts, journal.state = self._counts(), "refused"
                raise StalePlan(**facts)
            abandon_others(unit, self.audit, self.clock.now())
        journal.state = "abandoned"
        raise PlanOvertaken(done=done, **facts)

    def _present(self, unit: Unit, *, lock: bool = False) -> Iterator[Missing]:
        """The products to retire, as they are."""
        retirements = self.plan.retirements()
        while batch := list(islice(retirements, _BATCH)):
            yield from unit.rows(
                Missing,
                f"""select p.id, p.sku, p.version, p.status, null from product p
                     where p.id in (select cast(value ->> 0 as bigint) from {unit.each("ids")})
                     order by p.id {unit.for_update if lock else ""}""",
                ids=json_array(each.id for each in batch),
            )

    def _counts(self) -> Counts:
        """The counts of the plan's feed that are settled: what becomes of its rows is counted when it is done."""
        counts = self.plan.header["counts"]
        names = ("rows", "rejected", "superseded")
        # What the plan does not hold was the same record as before.
        held = counts["created"] + counts["updated"] + self.plan.header["compared_unchanged"]
        settled = {name: counts[name] for name in names}
        return Counts(**settled, unchanged=counts["rows"] - counts["rejected"] - counts["superseded"] - held)

    def _report(self, journal: Journal) -> Report:
        return Report(
            import_id=journal.id,
            counts=journal.counts,
            seconds=time.monotonic() - self.started,
            rejects_file=None,
            resumed=self.resumed,
            dry_run=self.dry_run,
            refused=journal.state == "refused",
            changes=self.changes if self.dry_run else [],
            guards=[each.as_dict() for each in self.judged],
            not_pruned=self.plan.header["not_pruned"],
        )


class _Retired(Exception):
    """Leaves the unit when a product to retire is another by now."""

    def __init__(self, differing: Sequence[Difference]) -> None:
        super().__init__()
        self.differing = differing
