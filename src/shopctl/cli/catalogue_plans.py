"""`shopctl catalogue apply` and `rollback`: plans carried out, and imports taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from shopctl.cli.options import Context, DetailedExitCode, DryRun

if TYPE_CHECKING:
    from shopctl.catalogue.importing.rollback import RollbackReport


def apply(
    ctx: Context,
    plan: Annotated[str, typer.Argument(metavar="PLAN|-", help="What import --plan-out has written.")],
    dry_run: DryRun = False,
    detailed_exitcode: DetailedExitCode = False,
) -> None:
    """Carry out a plan of an import exactly, or nothing of it where the catalogue has changed since.

    A plan is applied once, in the shop it was made for. One whose applying was killed is applied again to go on.
    """
    from shopctl.cli.catalogue_reports import finish, summary
    from shopctl.cli.progress import progress

    shop = ctx.obj
    try:
        with progress(shop, "Applying") as bar:
            report = shop.services.plans.run(
                plan, dry_run=dry_run, progress=lambda done, counts: bar.update(done, rows=counts.rows)
            )
    except (KeyboardInterrupt, SystemExit) as left:
        if not dry_run and plan != "-":
            left.add_note(f"Go on by applying it again: shopctl catalogue apply {plan}")
        raise
    finish(shop, report, lambda: summary(report, plan, "Dry run of" if dry_run else "Applied"))
    if detailed_exitcode and dry_run and report.changed:
        raise typer.Exit(10)


def rollback(
    ctx: Context,
    import_id: Annotated[str, typer.Argument(metavar="IMPORT", help="Its id, as `catalogue imports` lists it.")],
    dry_run: DryRun = False,
    detailed_exitcode: DetailedExitCode = False,
) -> None:
    """Take an import back: exactly what it changed becomes what it was before.

    Nothing is rolled back where a product changed since; such products are named. What the import created is removed,
    or retired where it is in use by now. Stock stays as it is. One that was killed goes on when it is run again.
    """
    from shopctl.cli.progress import progress

    shop = ctx.obj
    with progress(shop, "Rolling back") as bar:
        report = shop.services.rollbacks.run(
            import_id, dry_run=dry_run, progress=lambda done: bar.update(done, rows=done)
        )
    shop.show(report.as_dict(), text=lambda: _rollback_text(report))
    if report.changed and not dry_run:
        with progress(shop, "Indexing", total=None) as bar:
            shop.services.search.follow(lambda done: bar.update(done, rows=done), shop.note)
    if detailed_exitcode and dry_run and report.changed:
        raise typer.Exit(10)


def _rollback_text(report: RollbackReport) -> str:
    from shopctl.cli.catalogue_reports import change_lines, numbered

    what = "Dry run of rolling back" if report.dry_run else "Rolled back"
    how = "nothing was changed" if report.dry_run else f"{report.seconds:.1f} s"
    would = "would be " if report.dry_run else ""
    words = [(getattr(report, name), would + text) for name, text in _WORDS.items() if getattr(report, name)]
    lines = [f"{what} {report.source}, import {report.import_id}: {how}" + (" (resumed)" if report.resumed else "")]
    lines += numbered(words) or ["  nothing to take back"]
    return "\n".join([*lines, *change_lines(report.changes, report.changed)])


_WORDS = {
    "restored": "restored to what they were before",
    "reinstated": "back that it had retired",
    "removed": "removed that it had created",
    "retired": "retired that it had created, for they are in use",
}


def register(noun: typer.Typer) -> None:
    """Add these verbs to `shopctl catalogue`."""
    noun.command("apply")(apply)
    noun.command("rollback")(rollback)
