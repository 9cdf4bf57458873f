"""Importing a feed: read, stage what differs, decide over the whole, merge, and check the counts it reports."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING

from shopctl.catalogue import due
from shopctl.catalogue.feed.errors import NoRows
from shopctl.catalogue.feed.opening import open_feed
from shopctl.catalogue.feed.row import Feed
from shopctl.catalogue.importing import direct, planning, stage
from shopctl.catalogue.importing import journal as journals
from shopctl.catalogue.importing import run as runs
from shopctl.catalogue.importing.again import KeptInput, raw_rows
from shopctl.catalogue.importing.errors import RejectsCannotPrune
from shopctl.catalogue.importing.guards import Guard, Guards, combined
from shopctl.catalogue.importing.journal import Counts
from shopctl.catalogue.importing.known import KnownRecords
from shopctl.catalogue.importing.merge import FIRST_PRODUCT, TABLES
from shopctl.catalogue.importing.merging import Merging, abandon_others
from shopctl.catalogue.importing.narrowing import narrow
from shopctl.catalogue.importing.plan_file import PlanWriter
from shopctl.catalogue.importing.preview import Preview
from shopctl.catalogue.importing.prune import held_back, missing, prune
from shopctl.catalogue.importing.rejects import check_place, check_plan_place, write_rejects
from shopctl.catalogue.importing.request import ImportRequest, Progress, Report, silent
from shopctl.catalogue.importing.run import Run, differing, fingerprint, portions, shown
from shopctl.catalogue.importing.survey import Watcher, survey
from shopctl.kernel.clock import Clock, Instant
from shopctl.records.errors import BrokenFeed
from shopctl.records.pipe import from_child
from shopctl.records.source import Limits
from shopctl.storage.database import Database
from shopctl.storage.unit import Unit

if TYPE_CHECKING:
    from shopctl.audit.service import Audit

_SHOWN = 20
_WAIT = 1.0  # seconds; the reader of an import that was just killed is given the time to go
_SHOWN_CHANGES = 1000


class _Refused(Exception):
    """Leaves the unit of an all-or-nothing import, so that it is rolled back; carries the batch that was refused."""

    def __init__(self, batch: direct.Prepared) -> None:
        self.batch = batch


class ImportService:
    """Brings feeds into the catalogue."""

    def __init__(
        self,
        database: Database,
        audit: Audit,
        clock: Clock,
        *,
        limits: Limits,
        currency: str,
        rejects_folder: str,
        guards: Sequence[str] = (),
    ) -> None:
        self.database = database
        self.audit = audit
        self.clock = clock
        self.limits = limits
        self.currency = currency
        self.rejects_folder = rejects_folder
        self.guards = guards

    def run(self, request: ImportRequest, progress: Progress = silent) -> Report:
        """Import a feed and report what became of its rows.

        Raises BrokenFeed when the file as a whole cannot be read (nothing is changed), Locked while another import
        runs, CountsDiffer when the database does not hold what the report would say. Rejected rows are in the report;
        with `on_error="reject-file"` a single one keeps the catalogue as it is.
        """
        check_place(request.rejects, request.path)
        check_plan_place(request.plan_out, request.path)
        guards = combined(self.guards, request.guards)
        kept = KeptInput() if request.path == "-" else None
        with kept.first() if kept else nullcontext():
            feed = open_feed(
                request.path,
                format=request.format,
                mapping=request.mapping,
                limits=self.limits,
                default_currency=self.currency,
            )
            if request.prune and _of_rejects(feed) is not None:
                raise RejectsCannotPrune(path="Standard input" if kept else request.path)
            if kept and not stage.JUDGED_TOGETHER & feed.fields:
                kept.keeping = False
            with self.database.exclusive("catalogue.import", wait=_WAIT):
                if not request.dry_run:
                    due.tell(self.database, self.clock)
                return self._finish(self._decided(self._begin(request, feed, progress, kept, guards)))

    def _decided(self, run: Run) -> Run:
        journal = run.journal
        try:
            if journal.mode == "direct" and journal.state == "reading":
                self._write_directly(run)
            elif journal.mode == "staged":
                self._stage(run)
                self._decide(run)
            if not journal.counts.rows:
                raise NoRows(file="standard input" if run.request.path == "-" else run.request.path)
        except BrokenFeed:
            self._give_up(run)
            raise
        if journal.state == "settled":
            self._guard(run)
        if journal.state == "merging":
            self._merge(run)
        return run

    def list(self, limit: int) -> list[journals.ImportRow]:
        """The latest imports, newest first."""
        with self.database.read() as unit:
            return journals.imports(unit, limit)

    def _begin(
        self, request: ImportRequest, feed: Feed, progress: Progress, kept: KeptInput | None, guards: Sequence[Guard]
    ) -> Run:
        mark = fingerprint(request, feed)
        with self.database.unit() as unit:
            name = feed.name
            if name == feed.format and (reject := _of_rejects(feed)) is not None:
                name = journals.rejects_from(unit, request.path, reject) or name
            journal = journals.resumable(unit, mark) if request.resume else None
            resumed = journal is not None
            if journal is None:
                if not request.dry_run:
                    abandon_others(unit, self.audit, self.clock.now())
                # Numbers are given once: products that a rollback removed have theirs in the log for ever.
                empty = unit.value("select 1 from change limit 1") is None
                straight = empty and not (request.dry_run or guards or stage.JUDGED_TOGETHER & feed.fields)
                journal = journals.start(
                    unit,
                    feed=journals.feed_id(unit, name),
                    source=os.path.basename(request.path),
                    fingerprint=mark,
                    mode="direct" if straight else "staged",
                    actor=self.audit.actor,
                    reason=self.audit.reason or "",
                    now=self.clock.now(),
                )
            known = KnownRecords(journals.known_hashes(unit, name) if journal.mode == "staged" else ())
            plan = PlanWriter() if request.plan_out else None
        return Run(request, feed, journal, known, progress, kept, resumed, guards=guards, plan=plan, feed_name=name)

    def _write_directly(self, run: Run) -> None:
        journal, now, actor = run.journal, self.clock.now(), self.audit.actor
        journal.counts = Counts()
        whole = run.request.on_error == "reject-file"
        layout = direct.Layout(run.feed, now)
        prepared = from_child(
            lambda: direct.prepare(run.feed, layout, FIRST_PRODUCT, feed_id=journal.feed_id, pack=self.database.packed)
        )
        try:
            with self.database.first_load(direct.FILLED) as unit:
                with unit.unique_later("product", "sku") as is_unique:
                    with run.phase("read_and_write"):
                        for item in prepared:
                            direct.write(unit, journal, layout, item, actor=actor, now=now)
                            run.tell(item[direct.POSITION])
                            if whole and journal.counts.rejected:
                                raise _Refused(item)
                    with run.phase("settle"):
                        if not is_unique():
                            direct.settle(unit, journal)
                        unit.analyze(*TABLES)
                journal.state = "refused" if journal.counts.rejected == journal.counts.rows else "merging"
                journals.save(unit, journal)
        except _Refused as refused:
            self._collect_rejects(run, refused.batch, prepared)
            journal.state = "refused"

    def _collect_rejects(self, run: Run, first: direct.Prepared, prepared: Iterable[direct.Prepared]) -> None:
        # The unit that held the good rows is rolled back; what remains is to name everything that is wrong.
        journal, counts = run.journal, run.journal.counts
        counts.created = counts.superseded = 0
        with self.database.unit() as unit:
            journals.add_rejects(unit, journal, first[direct.REJECTS])
        for portion in portions(prepared, runs.PORTION):
            with self.database.unit() as unit:
                for item in portion:
                    journals.add_rejects(unit, journal, item[direct.REJECTS])
                    counts.rejected += len(item[direct.REJECTS])
                    counts.rows += item[direct.PRODUCTS] + len(item[direct.REJECTS])
                    run.tell(item[direct.POSITION])

    def _give_up(self, run: Run) -> None:
        # A file that turns out to be broken further down: nothing of it has been merged, and nothing of it is kept.
        counts = run.journal.counts
        counts.created = counts.superseded = 0
        with self.database.unit() as unit:
            run.journal.state = "refused"
            journals.close_unmerged(unit, run.journal, keep=not run.request.dry_run, now=self.clock.now())

    def _stage(self, run: Run) -> None:
        journal = run.journal
        # Pruning needs to know which records the file has, so a file that was staged before is read once more.
        if journal.state != "reading" and not run.request.prune:
            return
        with run.phase("read_and_stage"):
            for portion in portions(from_child(lambda: differing(run.feed, run.known, journal.line)), runs.PORTION):
                with self.database.unit() as unit:
                    for rows, rejects, met, notes, position, line in portion:
                        stage.add(unit, journal.id, rows)
                        run.plain = run.plain and all(map(stage.is_plain, rows))
                        journals.add_rejects(unit, journal, rejects)
                        journal.counts.rows += len(rows) + len(rejects) + met
                        journal.counts.unchanged += met
                        journal.counts.rejected += len(rejects)
                        journal.line = max(journal.line, line)
                        if notes is not None:
                            run.known.take_notes(notes)
                        run.tell(position)
                    journals.save(unit, journal)

    def _decide(self, run: Run) -> None:
        journal, counts = run.journal, run.journal.counts
        if journal.state != "reading":
            return
        with run.phase("settle"), self.database.unit() as unit:
            unit.analyze("import_row")
            stage.settle(unit, journal, run.known, plain=run.plain and not run.resumed)
            nothing_left = counts.rejected + counts.superseded == counts.rows
            refused = counts.rejected and (run.request.on_error == "reject-file" or nothing_left)
            if not refused:
                narrow(unit, journal, run.feed, self.clock.now())
            guarded = run.guards and not run.request.dry_run
            journal.state = "refused" if refused else "settled" if guarded else "merging"
            if not run.request.dry_run:
                journals.save(unit, journal)

    def _guard(self, run: Run) -> None:
        # Comparing takes as long as merging: other writers need not wait for it.
        with run.phase("guard"):
            with self.database.read() as unit:
                self._survey(unit, run, [])
            if any(each.broken for each in run.judged):
                run.journal.state = "refused"
                return
            run.journal.state = "merging"
            with self.database.unit() as unit:
                journals.save(unit, run.journal)

    def _merge(self, run: Run) -> None:
        prunes = run.request.prune and run.journal.mode == "staged"
        if prunes and run.resumed:
            self._meet_known(run)
        if run.request.dry_run:
            with run.phase("compare"), self.database.read() as unit:
                self._preview(unit, run, prunes)
            return
        merging = Merging(self.database, self.audit, self.clock, run.journal)
        with run.phase("merge"):
            if run.journal.mode == "staged":
                merging.stage(lambda share: run.tell(0, merged=share))
        with run.phase("finish"):
            merging.finish("catalogue.import", lambda unit, now: self._prune(unit, run, now) if prunes else 0)

    def _prune(self, unit: Unit, run: Run, now: Instant) -> int:
        run.not_pruned = held_back(unit, run.journal)
        return prune(unit, run.journal, run.known, actor=self.audit.actor, now=now)

    def _preview(self, unit: Unit, run: Run, prunes: bool) -> None:
        shown = Preview(run.journal.counts, _SHOWN_CHANGES)
        self._survey(unit, run, [shown, *([run.plan] if run.plan else [])])
        run.changes = shown.changes

    def _survey(self, unit: Unit, run: Run, watchers: Sequence[Watcher]) -> None:
        """Look through the whole stage, for the guards too."""
        journal, prunes = run.journal, run.request.prune
        guards = Guards(run.guards)
        run.not_pruned = held_back(unit, journal) if prunes else None
        gone = missing(unit, journal, run.known, lock=False) if prunes else ()
        survey(unit, journal, [*watchers, guards], gone=gone)
        run.judged = guards.judged(unit, journal)

    def _meet_known(self, run: Run) -> None:
        # Which records the file has is known to the process that read it, and that was killed after it had.
        with run.phase("read_again"):
            for *_, notes, position, _ in from_child(lambda: differing(run.feed, run.known, sys.maxsize)):
                if notes is not None:
                    run.known.take_notes(notes)
                run.tell(position)

    def _finish(self, run: Run) -> Report:
        journal, request = run.journal, run.request
        try:
            self._find_raw_rows(run)
            plan_file = self._write_plan(run)
            with self.database.read() as unit:
                first = list(journals.rejects(unit, journal.id, limit=_SHOWN))
                superseded = list(journals.rejects(unit, journal.id, limit=_SHOWN, superseded=True))
                place = self._rejects_place(run) if first else None
                if place:
                    write_rejects(place, run.feed.header, journals.rejects(unit, journal.id))
        finally:
            if journal.state != "done":
                with self.database.unit() as unit:
                    journals.close_unmerged(unit, journal, keep=not request.dry_run, now=self.clock.now())
        return Report(
            import_id=journal.id,
            counts=journal.counts,
            seconds=time.monotonic() - run.started,
            rejects_file=place,
            resumed=run.resumed,
            dry_run=request.dry_run,
            refused=journal.state == "refused",
            rejects=[shown(reject) for reject in first],
            superseded=[shown(row) for row in superseded],
            changes=run.changes,
            phases=run.phases,
            not_pruned=run.not_pruned,
            guards=[each.as_dict() for each in run.judged],
            plan_file=plan_file,
        )

    def _write_plan(self, run: Run) -> str | None:
        request, journal = run.request, run.journal
        if run.plan is None or request.plan_out is None or journal.state == "refused":
            return None
        with self.database.unit() as unit:
            shop = self.audit.database_id(unit)
        header = planning.plan_header(run, database_id=shop, actor=self.audit.actor, now=self.clock.now())
        run.plan.finish(request.plan_out, header, lambda shop, code: self.audit.sign(shop, planning.KIND, code))
        return request.plan_out

    def _find_raw_rows(self, run: Run) -> None:
        if run.journal.mode == "direct":
            return
        with self.database.read() as unit:
            lines = set(journals.without_row(unit, run.journal))
        if not lines:
            return
        # A pipe with a name is read only once, too.
        source = run.kept.again() if run.kept else nullcontext(run.feed.size is not None)
        with run.phase("read_again"), source as possible:
            if possible:
                # What was kept of standard input may have found no room in the end; the rejects are named all the same.
                with suppress(BrokenFeed):
                    rows = list(raw_rows(run.request, lines, limits=self.limits, currency=self.currency))
                    with self.database.unit() as unit:
                        journals.add_rows(unit, run.journal, rows)

    def _rejects_place(self, run: Run) -> str | None:
        if run.request.rejects:
            return run.request.rejects
        if run.request.dry_run:
            return None
        os.makedirs(self.rejects_folder, mode=0o700, exist_ok=True)
        return os.path.join(self.rejects_folder, f"{run.journal.id}.csv")


def _of_rejects(feed: Feed) -> tuple[str, ...] | None:
    return getattr(feed, "of_rejects", None)  # which only CSV can be
