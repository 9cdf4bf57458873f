"""`shopctl licence`: pools of licence keys that are handed out."""

from __future__ import annotations

from typing import Annotated

import typer

from shopctl.cli.given_files import lines_of
from shopctl.cli.options import Context, DryRun

noun = typer.Typer(help="Pools of licence keys that are handed out.", no_args_is_help=True)


@noun.command("list")
def list_(ctx: Context) -> None:
    """List pools and how many keys are left in each."""
    ctx.obj.show(ctx.obj.services.licence_keys.pools(), empty="no pools")


@noun.command()
def add(
    ctx: Context,
    pool: Annotated[str, typer.Argument(metavar="POOL", help="The pool, such as office-2026.")],
    source: Annotated[str, typer.Argument(metavar="FILE|-", help="Keys, one a line; - for standard input.")] = "-",
    dry_run: DryRun = False,
) -> None:
    """Add keys to a pool; those that are known already are left out."""
    ctx.obj.show(ctx.obj.services.licence_keys.add(pool, lines_of(source), dry_run=dry_run))


@noun.command()
def reveal(
    ctx: Context, id_: Annotated[str, typer.Argument(metavar="ID", help="The key's id, such as lic_….")]
) -> None:
    """Show a key itself, for whoever it was handed out to; the audit trail tells who looked."""
    ctx.obj.show(ctx.obj.services.licence_keys.reveal(id_))
