"""A look at a settled stage: what merging it would do, told to whoever wants to know, without writing any of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from shopctl.catalogue.feed.row import SKU, FeedRow
from shopctl.catalogue.importing import stage
from shopctl.catalogue.importing.current import Current, load
from shopctl.catalogue.importing.journal import Journal
from shopctl.catalogue.importing.outcome import Outcome, outcome
from shopctl.catalogue.importing.prune import Missing
from shopctl.storage.unit import Unit

Judge = Callable[[FeedRow, Current | None], Outcome | None]
"""What a row does to the product there is; None: nothing at all."""


class Watcher(Protocol):
    """Wants to know what each row would do, and which products would be retired for being gone."""

    def row(self, row: FeedRow, found: Outcome) -> None:
        """A staged row, in the order of the file."""

    def gone(self, product: Missing) -> None:
        """A product the feed brings no more."""


def survey(
    unit: Unit, journal: Journal, watchers: Sequence[Watcher], *, gone: Iterable[Missing] = (), judge: Judge = outcome
) -> None:
    """Go through the whole stage once, in bounded memory, then through the products that are gone."""
    for rows in stage.batches(unit, journal):
        present = load(unit, (row[SKU] for row in rows), journal.feed_id, lock=False)
        for row in rows:
            found = judge(row, present.get(row[SKU]))
            if found is not None:
                for watcher in watchers:
                    watcher.row(row, found)
    for product in gone:
        for watcher in watchers:
            watcher.gone(product)
