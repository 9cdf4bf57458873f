"""`shopctl customer import` and `export`: files of customers in and out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from shopctl.cli.catalogue_feeds import BothWantStandardOutput, OnError, RejectsFile
from shopctl.cli.options import Context, DetailedExitCode, DryRun
from shopctl.kernel.errors import one_line

if TYPE_CHECKING:
    from shopctl.customers.importing import Report

_SHOWN = 10


def import_(
    ctx: Context,
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="CSV or NDJSON; - reads standard input.")],
    on_error: Annotated[OnError, typer.Option("--on-error", help=OnError.__doc__)] = OnError.reject_file,
    rejects: RejectsFile = None,
    dry_run: DryRun = False,
    detailed_exitcode: DetailedExitCode = False,
) -> None:
    """Bring customers into the shop: new ones are added, changed ones updated, the rest left alone.

    A customer is known by his customer_id, else by his email. Columns: customer_id, name, email, phone, language,
    country, user, shipping_… and billing_… with name, company, street, city, region, postal_code and country, and
    other_addresses. A column that is not there leaves what is stored; an empty cell takes it away. By default one bad
    row refuses the file and nothing changes.
    """
    from shopctl.cli.progress import progress
    from shopctl.customers.importing import ImportRequest

    shop = ctx.obj
    if rejects == "-" and shop.output != "table":
        raise BothWantStandardOutput(one="--rejects -", other=f"-o {shop.output}")
    request = ImportRequest(file, on_error.value, rejects, dry_run)
    size = os.path.getsize(file) if file != "-" and os.path.isfile(file) else None
    with progress(shop, "Importing", total=size) as bar:
        report = shop.services.customer_imports.run(
            request, lambda position, so_far: bar.update(position, rows=so_far.rows, rejects=so_far.rejected)
        )
    if rejects == "-":
        shop.note(_summary(report, file))
    else:
        shop.show(report.as_dict(), text=lambda: _summary(report, file))
    report.raise_for_rejects()
    if detailed_exitcode and dry_run and report.created + report.updated:
        raise typer.Exit(10)


def export(
    ctx: Context,
    format: Annotated[
        Literal["csv", "ndjson"] | None,
        typer.Option("--format", help="The format; by default that of FILE's name, else CSV."),
    ] = None,
    out: Annotated[str, typer.Option("--out", metavar="FILE|-", help="Where to; - is standard output.")] = "-",
) -> None:
    """Write all customers but the erased ones out, so exactly that importing them again changes nothing.

    Saved payment methods are not written; what a file says leaves them as they are.
    """
    from shopctl.cli.progress import progress
    from shopctl.customers.exporting import ExportRequest

    shop = ctx.obj
    chosen = format or ("ndjson" if out.lower().endswith((".ndjson", ".jsonl")) else "csv")
    with progress(shop, "Exporting") as bar:
        count = shop.services.customer_exports.run(ExportRequest(chosen, out), lambda rows: bar.update(rows, rows=rows))
    shop.note(f"{count:,} customer{'' if count == 1 else 's'} written" + (f" to {one_line(out)}" if out != "-" else ""))


def register(noun: typer.Typer) -> None:
    """Add these verbs to `shopctl customer`."""
    noun.command("import")(import_)
    noun.command("export")(export)


def _summary(report: Report, file: str) -> str:
    from shopctl.cli.catalogue_reports import numbered

    name = "standard input" if file == "-" else one_line(os.path.basename(file))
    unchanged = report.dry_run or report.refused
    what = "Dry run of" if report.dry_run else "Refused" if report.refused else "Imported"
    how = "nothing was changed" if unchanged else f"{report.seconds:.1f} s"
    would = "would be " if unchanged else ""
    counts = [
        (report.created, f"{would}created"),
        (report.updated, f"{would}updated"),
        (report.unchanged, "unchanged"),
        (report.rejected, "not taken"),
    ]
    lines = [f"{what} {name}: {report.rows:,} row{'' if report.rows == 1 else 's'}, {how}"]
    lines += numbered([each for each in counts if each[0]])
    if report.rejects:
        lines += ["", "Not taken:"]
        lines += [
            f"  line {each['line']}  {each['field'] + ': ' if each['field'] else ''}{each['message']}"
            for each in report.rejects[:_SHOWN]
        ]
        lines += [f"  … and {report.rejected - _SHOWN:,} more"] * (report.rejected > _SHOWN)
    return "\n".join(lines)
