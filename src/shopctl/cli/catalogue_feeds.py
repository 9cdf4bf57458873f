"""`shopctl catalogue import`, `imports` and `export`: feeds in and out."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from shopctl.cli.options import At, Context, DetailedExitCode, DryRun, Limit, PlanOut
from shopctl.kernel.errors import UsageError, one_line


class BothWantStandardOutput(UsageError):
    """{one} and {other} both want standard output."""

    code = "usage.standard_output"
    hint = "Name a file instead of -; the report says where it is."


class FormulasOnlyInCsv(UsageError):
    """--escape-formulas is for CSV; in {format} a text is never run as a formula."""

    code = "usage.escape_formulas"
    hint = "Leave it away, or add --format csv."


class OnError(StrEnum):
    """What a row that is not valid does."""

    reject_file = "reject-file"
    skip_rows = "skip-rows"


class ExportFormat(StrEnum):
    """Formats the whole catalogue can be written in."""

    csv = "csv"
    ndjson = "ndjson"
    json = "json"
    xlsx = "xlsx"
    shopify = "shopify"
    woocommerce = "woocommerce"
    magento = "magento"
    saleor = "saleor"
    vendure = "vendure"
    medusa = "medusa"


FeedFormat = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="NAME",
        help="auto, csv, ndjson, json, xlsx, shopify, shopify-inventory, woocommerce, magento, magento-tiers, saleor,"
        " vendure, medusa, or a plugin's.",
    ),
]
MappingFile = Annotated[
    str | None,
    typer.Option("--mapping", metavar="FILE|NAME", help="How the feed's columns are named (TOML)."),
]
RejectsFile = Annotated[
    str | None, typer.Option("--rejects", metavar="FILE|-", help="Where to write the rows not taken.")
]
Prune = Annotated[bool, typer.Option("--prune", help="Retire what this feed brought before and brings no more.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on where a killed import of the same file stopped.")]
GuardRules = Annotated[
    list[str] | None,
    typer.Option("--guard", metavar="RULE", help="A bound, such as 'price-drop<=30%' or 'created<=1000'; repeatable."),
]
ExportAs = Annotated[
    ExportFormat | None, typer.Option("--format", help="The format; by default that of FILE's name, else CSV.")
]
EscapeFormulas = Annotated[
    bool,
    typer.Option(
        "--escape-formulas",
        help="CSV for a spreadsheet: no cell is run as a formula. Not for importing again.",
    ),
]


def import_(
    ctx: Context,
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="The feed; - reads standard input.")],
    format: FeedFormat = "auto",
    mapping: MappingFile = None,
    on_error: Annotated[OnError, typer.Option("--on-error", help=OnError.__doc__)] = OnError.reject_file,
    rejects: RejectsFile = None,
    prune: Prune = False,
    dry_run: DryRun = False,
    detailed_exitcode: DetailedExitCode = False,
    resume: Resume = False,
    plan_out: PlanOut = None,
    guard: GuardRules = None,
) -> None:
    """Bring a feed into the catalogue: new products are added, changed ones updated, the rest left alone.

    Every row goes in, or is named with its line and the reason. By default one bad row refuses the file and nothing
    changes; with --on-error skip-rows the good rows go in. Importing the same file again changes nothing.

    A guard that is broken stops the import before anything changes: price-drop, price-rise, retired, created, updated,
    rejected. With --plan-out nothing changes; the plan is carried out by `shopctl catalogue apply`.
    """
    from shopctl.catalogue.feed.mapping import mapping_file
    from shopctl.catalogue.importing.guards import parsed
    from shopctl.catalogue.importing.request import ImportRequest
    from shopctl.cli.catalogue_reports import finish, summary
    from shopctl.cli.progress import progress

    shop = ctx.obj
    mapping = mapping and mapping_file(mapping, shop.settings.get("catalogue.mappings"))
    plan = None if plan_out is None else str(plan_out)
    _check_standard_output(shop.output, rejects, plan)
    for rule in guard or ():
        parsed(rule)
    dry_run = dry_run or plan is not None
    request = ImportRequest(
        file, format, mapping, on_error.value, rejects, prune, dry_run, resume, plan, tuple(guard or ())
    )
    imports = shop.services.imports
    try:
        with progress(shop, "Importing", total=size_of(file)) as bar:
            report = imports.run(
                request,
                lambda position, counts: bar.update(position, rows=counts.rows, rejects=counts.rejected),
            )
    except (KeyboardInterrupt, SystemExit) as left:
        if not dry_run:
            left.add_note(f"Go on with: {request.resuming_command}")
        raise
    verb = "Planned" if plan and report.plan_file else "Dry run of" if dry_run else "Imported"
    finish(shop, report, lambda: summary(report, file, verb), taken="-" in (rejects, plan))
    if detailed_exitcode and dry_run and report.changed:
        raise typer.Exit(10)


def imports(ctx: Context, limit: Limit = 20) -> None:
    """List the latest imports, newest first."""
    shop = ctx.obj
    shop.show(
        [_listed(row) for row in shop.services.imports.list(limit)],
        columns=_columns(),
        empty="no imports yet",
    )


def export(
    ctx: Context,
    format: ExportAs = None,
    out: Annotated[str, typer.Option("--out", metavar="FILE|-", help="Where to; - is standard output.")] = "-",
    at: At = None,
    escape_formulas: EscapeFormulas = False,
) -> None:
    """Write the whole catalogue out, so exactly that importing it again changes nothing.

    The format of another shop cannot carry everything; what it leaves out is named, and stays when it is imported back.
    """
    from shopctl.catalogue.exporting import ExportRequest
    from shopctl.cli.progress import progress

    shop = ctx.obj
    chosen = format or _format_of(out)
    if escape_formulas and chosen in (ExportFormat.ndjson, ExportFormat.json, ExportFormat.xlsx):
        raise FormulasOnlyInCsv(format=chosen.value)
    request = ExportRequest(chosen.value, out, shop.instant(at), escape_formulas)
    with progress(shop, "Exporting") as bar:
        count, losses = shop.services.exports.run(request, lambda rows: bar.update(rows, rows=rows))
    if lost := losses.described():
        shop.note(f"The format {chosen.value} has no room for: {lost}")
    shop.note(f"{count:,} product{'' if count == 1 else 's'} written" + (f" to {one_line(out)}" if out != "-" else ""))


def register(noun: typer.Typer) -> None:
    """Add these verbs to `shopctl catalogue`."""
    noun.command("import")(import_)
    noun.command("imports")(imports)
    noun.command("export")(export)


def _check_standard_output(output: str, rejects: str | None, plan: str | None) -> None:
    wanting = [f"--rejects {rejects}"] * (rejects == "-") + [f"--plan-out {plan}"] * (plan == "-")
    wanting += [f"-o {output}"] * (output != "table")
    if len(wanting) > 1 and "-" in (rejects, plan):
        raise BothWantStandardOutput(one=wanting[0], other=wanting[1])


def size_of(file: str) -> int | None:
    """Bytes of a file, None for a pipe."""
    import os

    return os.path.getsize(file) if file != "-" and os.path.isfile(file) else None


def _format_of(out: str) -> ExportFormat:
    ending = out.rpartition(".")[2].lower()
    return ExportFormat(ending) if ending in set(ExportFormat) else ExportFormat.csv


def _columns() -> tuple[str, ...]:
    """What a table of imports shows; a narrow terminal has no room for their ids."""
    import shutil
    import sys

    columns = ("started_at", "source", "state", "rows", "created", "updated", "rejected")
    narrow = sys.stdout.isatty() and shutil.get_terminal_size().columns < 120
    return columns if narrow else (*columns, "feed", "import_id")


def _listed(row: Any) -> dict[str, Any]:
    from shopctl.kernel import clock

    return {**row._asdict(), "started_at": clock.show(row.started_at), "finished_at": clock.show(row.finished_at)}
