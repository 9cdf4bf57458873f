"""`shopctl db`: the databases of a shop."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from shopctl.cli.options import Context, DetailedExitCode, DryRun, LockWait

noun = typer.Typer(help="The databases: status, upgrade, check, move and resume.", no_args_is_help=True)

Which = Literal["shop", "auth", "all"]
Chains = Annotated[Which, typer.Option("--chain", help="Which of the two databases.")]
Chain = Annotated[Literal["shop", "auth"], typer.Option("--chain", help="Which of the two databases.")]
To = Annotated[
    str, typer.Option("--to", metavar="URL", help="The new place: sqlite:///PATH or postgresql://USER@HOST/NAME.")
]
Quick = Annotated[bool, typer.Option("--quick", help="Leave out what reads every page and every text.")]

CHANGES_PENDING = 10


@noun.command()
def status(ctx: Context, chain: Chains = "all") -> None:
    """Show each database: where it is, its schema, its size and the rows of its tables.

    The exit code says so when one of them cannot be used.
    """
    from shopctl.operations import databases

    found = databases.states(ctx.obj.settings, _chosen(chain))
    ctx.obj.show(found, columns=("chain", "dialect", "place", "state", "found", "wanted", "bytes", "problem"))
    databases.require_usable(ctx.obj.settings, found)


@noun.command()
def upgrade(
    ctx: Context,
    chain: Chains = "all",
    dry_run: DryRun = False,
    detailed_exitcode: DetailedExitCode = False,
    lock_wait: LockWait = 60,
) -> None:
    """Create the databases, or bring them to the schema of this shopctl.

    Safe to repeat: what a killed run left undone is done by the next. Two at once take turns.
    """
    from shopctl.operations import databases

    shop = ctx.obj
    chains = _chosen(chain)
    done = databases.upgrade(
        shop.settings, chains, wait=lock_wait, dry_run=dry_run, reason=shop.reason, actor=shop.actor
    )
    columns = ("chain", "place", "before", "after")
    if dry_run:
        shop.show([{**each._asdict(), "would_run": each.ran} for each in done], columns=(*columns, "would_run"))
    else:
        shop.show(done, columns=(*columns, "ran"))
    if dry_run and detailed_exitcode and any(each.ran for each in done):
        raise typer.Exit(CHANGES_PENDING)


@noun.command()
def check(ctx: Context, chain: Chains = "all", quick: Quick = False) -> None:
    """Check that the databases are sound and that what they hold agrees; exit 6 when something differs."""
    from shopctl.operations import consistency

    findings = consistency.check(ctx.obj.settings, _chosen(chain), quick=quick)
    ctx.obj.show(findings, columns=("chain", "check", "state", "differing", "example"))
    consistency.require_agreement(findings)


@noun.command()
def move(ctx: Context, to: To, chain: Chain = "shop") -> None:
    """Copy a database to an empty one of either kind, all or nothing, and compare every row.

    The source takes no writes meanwhile and stays as it is; name the new place in the settings afterwards.
    """
    from shopctl.cli.progress import progress
    from shopctl.kernel.redaction import mask_url
    from shopctl.operations import databases

    shop = ctx.obj
    if mask_url(to) != to:
        shop.warn("a password among the arguments can be seen by others; PGPASSWORD or .pgpass keeps it to yourself")
    total = sum(sum(state.rows.values()) for state in databases.states(shop.settings, (chain,)))
    with progress(shop, "Moving", total=total) as bar:
        tables: dict[str, int] = {}

        def told(table: str, rows: int) -> None:
            tables[table] = rows
            bar.update(sum(tables.values()), rows=sum(tables.values()))

        moved = databases.move(shop.settings, chain, to, told, reason=shop.reason, actor=shop.actor)
    shop.show(moved, columns=("chain", "source", "target", "rows"))
    shop.note(f"Now name the new place in the settings: {moved.setting} = {moved.target}")


@noun.command()
def resume(ctx: Context) -> None:
    """Let workers go on after a restore, once both databases and their audit trails were checked.

    Exit 6 when something differs: then the shop stays paused.
    """
    from shopctl.operations.resuming import resume as use_case

    shop = ctx.obj
    shop.show(use_case(shop.settings, reason=shop.reason, actor=shop.actor))


def _chosen(which: Which) -> tuple[Literal["shop", "auth"], ...]:
    return ("shop", "auth") if which == "all" else (which,)
