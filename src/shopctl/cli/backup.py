"""`shopctl backup`: encrypted copies of both databases, tried and kept as long as is wanted."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from shopctl.cli.options import Confirm, Context, DryRun
from shopctl.kernel.errors import one_line

noun = typer.Typer(help="Encrypted copies of both databases.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="PATH", help="The backup's file, or its id in the folder of backups.")]
Out = Annotated[str | None, typer.Option("--out", metavar="DIR", help="Put it there, not into backup.folder.")]
Last = Annotated[int, typer.Option("--keep-last", metavar="N", min=0, help="Keep the N newest.")]
Daily = Annotated[int, typer.Option("--keep-daily", metavar="N", min=0, help="Keep the newest of each of N days.")]
Weekly = Annotated[int, typer.Option("--keep-weekly", metavar="N", min=0, help="Keep the newest of each of N weeks.")]
Monthly = Annotated[
    int, typer.Option("--keep-monthly", metavar="N", min=0, help="Keep the newest of each of N months.")
]


@noun.command()
def create(ctx: Context, out: Out = None) -> None:
    """Back up both databases into one encrypted file, while the shop works.

    A backup is there as a whole or not at all. Keep a copy of the key it is encrypted under elsewhere.
    """
    from shopctl.cli.progress import progress
    from shopctl.operations import backups, databases

    shop = ctx.obj
    sizes = [state.bytes for state in databases.states(shop.settings, count=False)]
    with progress(shop, "Backing up", total=sum(size or 0 for size in sizes)) as bar:
        made = backups.create(shop.settings, out=out, reason=shop.reason, actor=shop.actor, progress=bar.update)
    shop.show(made, columns=("backup_id", "bytes", "rows", "seconds", "path"))
    if made.new_key:
        shop.warn(
            f"a backup key was made: keep a copy of {one_line(made.new_key)} elsewhere, without it no backup opens"
        )


@noun.command("list")
def list_(ctx: Context) -> None:
    """List the backups in the folder of backups, newest first, with what each says of itself."""
    from shopctl.operations import backups

    columns = ("backup_id", "created_at", "bytes", "rows", "state")
    ctx.obj.show(backups.found(ctx.obj.settings), columns=columns, empty="no backups")


@noun.command()
def verify(ctx: Context, path: Name) -> None:
    """Read a whole backup, decrypt it, and compare its checksums and counts; exit 12 when it is damaged."""
    from shopctl.operations import backups

    found = backups.verified(ctx.obj.settings, path)
    ctx.obj.show(found, columns=("backup_id", "ok", "bytes", "rows", "created_at", "seconds"))


@noun.command()
def restore(ctx: Context, path: Name, confirm: Confirm = None) -> None:
    """Put a backup in the place of both databases, after all of it was verified.

    A damaged backup is refused before anything is touched. The name to confirm is that of the shop's folder.
    Afterwards nobody is logged in any more, and workers stand still until `shopctl db resume`.
    """
    from shopctl.operations.restoring import restore as use_case

    shop = ctx.obj
    shop.settings.require_shop()
    shop.confirm_name(shop.settings.base.name, confirm, "the shop whose databases are to be replaced")
    done = use_case(shop.settings, path, reason=shop.reason, actor=shop.actor)
    shop.show(done, columns=("backup_id", "created_at", "rows", "sessions_ended", "paused", "seconds"))
    for place in done.keys:
        shop.note(f"Keys of the backup were added to {one_line(place)}.")
    shop.note("The shop is paused, and everybody has to log in again. When all is well: shopctl db resume")


@noun.command()
def drill(
    ctx: Context,
    path: Annotated[str | None, typer.Argument(metavar="[PATH]", help="The backup; the newest by default.")] = None,
) -> None:
    """Restore a backup into scratch databases, compare every table, verify the audit trails; exit 6 when it fails.

    It says how much would be lost (rpo) and how long it takes to be back (rto), in seconds. For cron, once a day.
    """
    from shopctl.operations import drilling

    found = drilling.drill(ctx.obj.settings, path, reason=ctx.obj.reason, actor=ctx.obj.actor)
    ctx.obj.show(found)
    drilling.require_success(found)


@noun.command()
def prune(
    ctx: Context,
    keep_last: Last = 0,
    keep_daily: Daily = 0,
    keep_weekly: Weekly = 0,
    keep_monthly: Monthly = 0,
    dry_run: DryRun = False,
) -> None:
    """Remove the backups that none of the rules keeps; days, weeks and months are counted in UTC.

    One of those that stay is read whole first: the only good one is never removed.
    """
    from shopctl.operations.retention import Keep
    from shopctl.operations.retention import prune as use_case

    shop = ctx.obj
    keep = Keep(keep_last, keep_daily, keep_weekly, keep_monthly)
    decisions: list[Any] = use_case(shop.settings, keep, dry_run=dry_run)
    shop.show(decisions, columns=("backup_id", "created_at", "bytes", "action", "reasons"), empty="no backups")
