"""An import under way, and the small things every step of it needs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from shopctl.catalogue.feed.row import LINE, RULES_VERSION, Feed, Reject
from shopctl.catalogue.importing.again import KeptInput
from shopctl.catalogue.importing.guards import Guard, Result
from shopctl.catalogue.importing.journal import Journal, RejectRow
from shopctl.catalogue.importing.known import KnownRecords
from shopctl.catalogue.importing.plan_file import PlanWriter
from shopctl.catalogue.importing.request import ImportRequest, Progress
from shopctl.records import fingerprint as fingerprints

# Rows a write unit takes: a checkout that comes in between waits for one of them, about 0.3 s.
PORTION = 20_000
_BATCH = 500


@dataclass
class Run:
    """An import under way."""

    request: ImportRequest
    feed: Feed
    journal: Journal
    known: KnownRecords
    progress: Progress
    kept: KeptInput | None = None
    resumed: bool = False
    plain: bool = True  # every row staged by now is one that `stage.is_plain`
    not_pruned: str | None = None  # why nothing was retired although that was asked for
    started: float = field(default_factory=time.monotonic)
    phases: dict[str, float] = field(default_factory=dict)
    guards: Sequence[Guard] = ()
    judged: list[Result] = field(default_factory=list)  # what the guards found
    plan: PlanWriter | None = None
    feed_name: str = ""
    changes: list[dict[str, Any]] = field(default_factory=list)

    def tell(self, position: int, *, merged: float | None = None) -> None:
        """Say how far it is: bytes of the file that are read, then the share of the stage that is merged.

        To whoever watches, reading is the first half of a staged import and merging the second.
        """
        size = self.feed.size
        if size and self.journal.mode == "staged":
            position = position // 2 if merged is None else round(size * (1 + merged) / 2)
        self.progress(position, self.journal.counts)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a part of the work."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.phases[name] = self.phases.get(name, 0) + time.monotonic() - start


def portions(items: Iterable[Any], size: int | None) -> Iterator[Iterator[Any]]:
    """Batches in groups of about `size` rows (None: all in one), each read while its group is being worked on."""
    source = iter(items)
    for first in source:
        yield _portion(first, source, size)


def _portion(first: Any, source: Iterator[Any], size: int | None) -> Iterator[Any]:
    yield first
    if size is None:
        yield from source
        return
    for _, item in zip(range(size // _BATCH - 1), source, strict=False):
        yield item


def differing(feed: Feed, known: KnownRecords, journaled: int) -> Iterator[tuple[Any, ...]]:
    """In the child: what has to be staged, and at the end where the known records were met.

    Yields (rows, rejects, how many are known, notes on the known or None, bytes read, line). What an earlier attempt
    journaled is read again, for the sake of the known records in it, but neither yielded nor counted.
    """
    waiting: list[Reject] = []
    for batch in feed.batches(known):
        known.met(batch.known)
        rows = [row for row in batch.rows if row[LINE] > journaled]
        # A reject may lie beyond what is done with: it would be read, and counted, once more after a kill.
        waiting += [reject for reject in batch.rejects if reject.line > journaled]
        rejects = [tuple(reject) for reject in waiting if reject.line <= batch.line]
        waiting = [reject for reject in waiting if reject.line > batch.line]
        met = sum(line > journaled for line, _ in batch.known) if journaled else len(batch.known)
        yield rows, rejects, met, None, batch.position, batch.line
    yield [], [tuple(reject) for reject in waiting], 0, known.notes(), feed.size or 0, 0


def fingerprint(request: ImportRequest, feed: Feed) -> str | None:
    """Which file this is and how it is read: a resumed import must be of the same. None for what is read only once."""
    how = (feed.format, feed.name, feed.header, sorted(feed.fields), request.on_error, request.dry_run, request.prune)
    return fingerprints.fingerprint(request.path, feed.size, (how, RULES_VERSION, sys.version_info[:2]))


def shown(reject: RejectRow) -> dict[str, Any]:
    """A reject as scripts read it."""
    return {**reject._asdict(), "row": json.loads(reject.row)}
