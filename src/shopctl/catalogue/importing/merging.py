"""Merging a settled stage in portions, and the last unit of an import, which checks the counts it reports."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

from shopctl.catalogue.feed.row import LINE
from shopctl.catalogue.importing import journal as journals
from shopctl.catalogue.importing import run as runs
from shopctl.catalogue.importing import stage
from shopctl.catalogue.importing.errors import CountsDiffer
from shopctl.catalogue.importing.journal import Journal
from shopctl.catalogue.importing.merge import TABLES, merge
from shopctl.catalogue.importing.outcome import outcome
from shopctl.catalogue.importing.survey import Judge
from shopctl.kernel.clock import Clock, Instant
from shopctl.storage.database import Database
from shopctl.storage.unit import Unit

if TYPE_CHECKING:
    from shopctl.audit.service import Audit


class Merging:
    """The merging of one import."""

    def __init__(
        self, database: Database, audit: Audit, clock: Clock, journal: Journal, *, judge: Judge = outcome
    ) -> None:
        self.database = database
        self.audit = audit
        self.clock = clock
        self.journal = journal
        self.judge = judge

    def stage(self, tell: Callable[[float], None]) -> None:
        """Merge what is staged, from where an earlier attempt stopped; `tell` hears which share is done."""
        journal = self.journal
        for number in itertools.count():
            with self.database.unit() as unit:
                merged, now = 0, self.clock.now()
                if number.bit_count() == 1:  # the tables may have doubled since
                    unit.analyze(*TABLES)
                for rows in stage.batches(unit, journal):
                    merge(unit, journal, rows, actor=self.audit.actor, now=now, judge=self.judge)
                    journal.merged = rows[-1][LINE]
                    merged += len(rows)
                    if merged >= runs.PORTION:
                        break
                journals.save(unit, journal)
            if merged < runs.PORTION:
                return
            tell(journal.merged / max(journal.line, 1))

    def finish(self, action: str, retire: Callable[[Unit, Instant], int]) -> None:
        """Retire, record, and check the counts, in one unit. Raises CountsDiffer, and what `retire` raises."""
        journal = self.journal
        with self.database.unit() as unit:
            journal.counts.retired += retire(unit, self.clock.now())
            self.audit.record(unit, action, journal.id, journal.counts.as_dict(), count=journal.counts.rows)
            _verify(journals.stored_counts(unit, journal), journal)
            journal.state = "done"
            journals.drop_stage(unit, journal.id)
            journals.save(unit, journal, finished_at=self.clock.now())


def abandon_others(unit: Unit, audit: Audit, now: Instant) -> None:
    """Give up every import that was killed; what it had done is recorded and stays."""
    for given_up in journals.abandon(unit, now):
        if changed := given_up.created + given_up.updated:
            facts = {"abandoned": True, "created": given_up.created, "updated": given_up.updated}
            audit.record(unit, "catalogue.import", given_up.id, facts, count=changed)


def _verify(stored: dict[str, int], journal: Journal) -> None:
    """Refuse to report what the database does not hold; raised inside the last unit, it keeps the journal open."""
    reported = journal.counts.as_dict()
    for what, count in stored.items():
        if reported[what] != count:
            raise CountsDiffer(reported=reported[what], what=what, stored=count)
