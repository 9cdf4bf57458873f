"""`shopctl worker`: works on what is due, once or for ever."""

from __future__ import annotations

from typing import Annotated

import typer

from shopctl.cli.options import Context
from shopctl.cli.working import Jitter, MaxRuntime, MetricsFile
from shopctl.kernel.errors import UsageError


class OnlyOneWay(UsageError):
    """A worker works once or until it is idle, not both."""

    code = "usage.only_one_way"
    hint = "Leave one of --once and --until-idle away."


def worker(
    ctx: Context,
    once: Annotated[bool, typer.Option("--once", help="Work on one batch of what is due, then end.")] = False,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="Work on all that is due, then end.")] = False,
    batch: Annotated[int, typer.Option("--batch", metavar="N", min=1, max=10000, help="Runs held at once.")] = 200,
    max_runtime: MaxRuntime = None,
    jitter: Jitter = None,
    metrics_file: MetricsFile = None,
) -> None:
    """Work on what is due: for ever, or with --once or --until-idle for cron, which is silent when there is nothing."""
    from shopctl.cli.working import work

    if once and until_idle:
        raise OnlyOneWay()
    work(
        ctx.obj,
        once=once,
        until_idle=until_idle,
        batch=batch,
        max_runtime=max_runtime,
        jitter=jitter,
        metrics_file=metrics_file,
    )
