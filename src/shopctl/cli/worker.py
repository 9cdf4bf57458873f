"""`shopctl worker`: works on what is due, once or for ever."""

from __future__ import annotations

import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shopctl.cli.options import Context
from shopctl.kernel.errors import UsageError

if TYPE_CHECKING:
    from shopctl.cli.shop import Shop

PARTIAL = 6


class OnlyOneWay(UsageError):
    """A worker works once or until it is idle, not both."""

    code = "usage.only_one_way"
    hint = "Leave one of --once and --until-idle away."


def worker(
    ctx: Context,
    once: Annotated[bool, typer.Option("--once", help="Work on one batch of what is due, then end.")] = False,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="Work on all that is due, then end.")] = False,
    batch: Annotated[int, typer.Option("--batch", metavar="N", min=1, max=10000, help="Runs held at once.")] = 200,
    max_runtime: Annotated[
        str | None, typer.Option("--max-runtime", metavar="LENGTH", help="End after so long, such as 10m.")
    ] = None,
    jitter: Annotated[
        str | None, typer.Option("--jitter", metavar="LENGTH", help="Begin at a random moment within so long.")
    ] = None,
    metrics_file: Annotated[
        Path | None, typer.Option("--metrics-file", metavar="FILE", help="Write figures for Prometheus to FILE.")
    ] = None,
) -> None:
    """Work on what is due: for ever, or with --once or --until-idle for cron, which is silent when there is nothing."""
    if once and until_idle:
        raise OnlyOneWay()
    shop = ctx.obj
    if jitter is not None:
        time.sleep(random.uniform(0, shop.seconds(jitter)))  # noqa: S311 - only spreads cron jobs
    ends_at = None if max_runtime is None else time.monotonic() + shop.seconds(max_runtime)
    with _asked_to_stop() as stopped:

        def stop() -> bool:
            return bool(stopped) or (ends_at is not None and time.monotonic() >= ends_at)

        runner = shop.services.worker(batch=batch)
        tally = runner.work(once=once, until_idle=until_idle, stop=stop, told=_teller(shop))
    if runner.paused:
        shop.warn("The shop is paused since a restore; let it go on with: shopctl db resume")
    if metrics_file is not None:
        from shopctl.cli.metrics import write_metrics

        write_metrics(metrics_file, tally)
    if tally.claimed or shop.output != "table" or not (once or until_idle):
        shop.show(tally.shown())
    if stopped and not (once or until_idle):
        return
    if tally.failed:
        raise typer.Exit(PARTIAL)


@contextmanager
def _asked_to_stop() -> Iterator[list[int]]:
    """The signals that asked it to end, as they come; a second one ends it at once."""
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


def _teller(shop: Shop) -> Callable[[Any, int], None]:
    """A status line on a terminal; elsewhere a line every few seconds while there is work."""
    if shop.quiet:
        return lambda tally, held: None
    drawn = sys.stderr.isatty() and shop.environ.get("TERM") != "dumb"
    last = [time.monotonic(), 0]

    def tell(tally: Any, held: int) -> None:
        now = time.monotonic()
        if now - last[0] < (0.2 if drawn else 10.0):
            return
        last[0] = now
        text = f"{tally.succeeded} done, {tally.failed} failed, {tally.rescheduled} later, {held} in work"
        if drawn:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()
        elif tally.claimed != last[1]:
            last[1] = tally.claimed
            shop.note(text)

    return tell
