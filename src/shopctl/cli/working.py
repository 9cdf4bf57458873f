"""Working on what is due, as `worker` and `provision retry --due` do: told to end in time, silent when idle."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from shopctl.cli.shop import Shop
    from shopctl.workflow.tally import Tally

PARTIAL = 6
_SIGNALLED = 128  # and the number of the signal, as shells have it
_EVERY = 1.0  # seconds between two looks at what is to be delivered

MaxRuntime = Annotated[
    str | None, typer.Option("--max-runtime", metavar="LENGTH", help="End after so long, such as 10m.")
]
Jitter = Annotated[
    str | None, typer.Option("--jitter", metavar="LENGTH", help="Begin at a random moment within so long.")
]
MetricsFile = Annotated[
    Path | None, typer.Option("--metrics-file", metavar="FILE", help="Write figures for Prometheus to FILE.")
]


def work(
    shop: Shop,
    *,
    once: bool = False,
    until_idle: bool = True,
    batch: int = 200,
    max_runtime: str | None = None,
    jitter: str | None = None,
    metrics_file: Path | None = None,
) -> None:
    """Work, and show what was done; nothing is said where there was nothing to do, as cron likes it.

    SIGTERM and an interrupt end it after what is on its way, a second one at once; the exit code is 143 or 130 then.
    Exit 6 when runs have failed.
    """
    ends_at = None if max_runtime is None else time.monotonic() + shop.seconds(max_runtime)
    with asked_to_stop() as stopped:
        if jitter is not None:
            import random

            _wait(random.uniform(0, shop.seconds(jitter)), stopped)  # noqa: S311 - only spreads cron jobs

        def stop() -> bool:
            return bool(stopped) or (ends_at is not None and time.monotonic() >= ends_at)

        runner = shop.services.worker(batch=batch)
        tally = runner.work(once=once, until_idle=until_idle, stop=stop, told=_teller(shop))
        _deliver(shop)
    if runner.paused:
        shop.warn("The shop is paused since a restore; let it go on with: shopctl db resume")
    ends = once or until_idle
    show_tally(shop, tally, metrics_file, idle=ends and not tally.claimed)
    if stopped:
        raise typer.Exit(_SIGNALLED + stopped[0])
    if tally.failed and ends:
        raise typer.Exit(PARTIAL)


def show_tally(shop: Shop, tally: Tally, metrics_file: Path | None = None, *, idle: bool) -> None:
    """Show what a worker did, for people only where it did something."""
    if metrics_file is not None:
        from shopctl.cli.metrics import write_metrics

        write_metrics(metrics_file, tally)
    if not idle or shop.output != "table":
        shop.show(tally.shown())


@contextmanager
def asked_to_stop() -> Iterator[list[int]]:
    """The signals that asked it to end, as they come."""
    asked: list[int] = []

    def ask(number: int, frame: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield asked
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _wait(seconds: float, stopped: list[int]) -> None:
    deadline = time.monotonic() + seconds
    while not stopped and time.monotonic() < deadline:
        time.sleep(0.05)


def _teller(shop: Shop) -> Callable[[Tally, int], None]:
    """A status line on a terminal; elsewhere a line every few seconds while there is work."""
    drawn = not shop.quiet and sys.stderr.isatty() and shop.environ.get("TERM") != "dumb"
    drawn_at = said_at = delivered_at = time.monotonic()
    claimed = 0

    def tell(tally: Tally, held: int) -> None:
        nonlocal drawn_at, said_at, delivered_at, claimed
        now = time.monotonic()
        if now - delivered_at > _EVERY:
            delivered_at = now
            _deliver(shop)
        text = f"{tally.succeeded} done, {tally.failed} failed, {tally.rescheduled} later, {held} in work"
        if drawn and now - drawn_at > 0.2:
            drawn_at = now
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()
        elif not drawn and not shop.quiet and now - said_at > 10.0 and tally.claimed != claimed:
            said_at, claimed = now, tally.claimed
            shop.note(text)

    return tell


def _deliver(shop: Shop) -> None:
    """Hand events to those that wait for them."""
    if shop.services.subscribers:
        shop.services.events.deliver()
