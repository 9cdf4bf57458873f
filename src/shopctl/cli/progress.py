"""Progress of long work on standard error: a bar on a terminal, a line every few seconds elsewhere.

with progress(shop, "Importing", total=size) as bar:
    for batch in batches:
        bar.update(batch.bytes_read, rows=batch.rows, rejects=batch.rejects)
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from shopctl.cli.shop import Shop

FIRST_LINE = 10.0  # seconds before the first line of a job that is not watched
BETWEEN_LINES = 5.0


class Bar(Protocol):
    """What a long job reports to."""

    def update(self, done: int, *, rows: int | None = None, rejects: int | None = None) -> None:
        """How much is done so far, in the unit of `total`, and the rows and rejects so far."""


@contextmanager
def progress(shop: Shop, what: str, *, total: int | None = None, clock: Any = time.monotonic) -> Iterator[Bar]:
    """Report on a job named `what`; `total` is its size in bytes (or rows), None when it is not known."""
    if shop.quiet:
        yield _Silent()
    elif sys.stderr.isatty() and shop.environ.get("TERM") != "dumb":
        with _drawn(shop, what, total) as bar:
            yield bar
    else:
        yield _Lines(what, total, clock)


class _Silent:
    def update(self, done: int, *, rows: int | None = None, rejects: int | None = None) -> None:
        pass


class _Lines:
    def __init__(self, what: str, total: int | None, clock: Any) -> None:
        self._what, self._total, self._clock = what, total, clock
        self._start = clock()
        self._next = self._start + FIRST_LINE

    def update(self, done: int, *, rows: int | None = None, rejects: int | None = None) -> None:
        now = self._clock()
        if now < self._next:
            return
        self._next = now + BETWEEN_LINES
        facts = facts_of(done, self._total, now - self._start, rows=rows, rejects=rejects)
        print(f"{self._what}: {', '.join(facts)}", file=sys.stderr, flush=True)


def facts_of(done: int, total: int | None, seconds: float, *, rows: int | None, rejects: int | None) -> list[str]:
    """How far a job is, in words: `43%`, `120,000 rows`, `9,800 rows/s`, `3 rejected`, `1:10 left`."""
    facts = []
    if total:
        facts.append(f"{min(100, done * 100 // total)}%")
    if rows is not None:
        facts.append(f"{rows:,} rows")
        facts.append(f"{rows / max(seconds, 0.001):,.0f} rows/s")
    if rejects:
        facts.append(f"{rejects:,} rejected")
    if total and 0 < done < total:
        left = round(seconds * (total - done) / done)
        facts.append(f"{left // 60}:{left % 60:02} left")
    return facts or [f"{round(seconds)} s"]


@contextmanager
def _drawn(shop: Shop, what: str, total: int | None) -> Iterator[Bar]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
    from rich.text import Text

    console = Console(stderr=True, no_color=not shop.colour(sys.stderr), markup=False, emoji=False, highlight=False)
    columns: list[Any] = [TextColumn("{task.description}", markup=False)]
    columns.append(BarColumn(bar_width=24) if total else SpinnerColumn())
    columns.append(TextColumn("{task.fields[facts]}", markup=False))
    started = time.monotonic()
    # Transient: when the job is done its summary stands there, not a full bar.
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=True) as drawn:
        task = drawn.add_task(Text(what).plain, total=total, facts="")

        class Drawn:
            def update(self, done: int, *, rows: int | None = None, rejects: int | None = None) -> None:
                facts = facts_of(done, total, time.monotonic() - started, rows=rows, rejects=rejects)
                drawn.update(task, completed=min(done, total) if total else done, facts="  ".join(facts))

        yield Drawn()
