"""`shopctl store`: what customers have, what was done for it, and whether both agree."""

from __future__ import annotations

from typing import Annotated

import typer

from shopctl.cli.options import Context

noun = typer.Typer(help="What customers have and what was done for it: do they agree?", no_args_is_help=True)


@noun.command()
def fsck(
    ctx: Context,
    quick: Annotated[bool, typer.Option("--quick", help="Leave out what reads all rows.")] = False,
) -> None:
    """Check what must hold across runs, instances, stock and shipments, and propose repairs; exit 6 if it does not."""
    from shopctl.operations import fsck as checking

    shop = ctx.obj
    findings = checking.check(shop.services.database, shop.services.clock, quick=quick)
    shop.show(findings, columns=("check", "state", "differing", "repair"))
    checking.require_agreement(findings)
