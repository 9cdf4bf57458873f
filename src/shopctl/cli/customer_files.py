"""`shopctl customer import` and `export`: files of customers in and out."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from shopctl.cli.catalogue_feeds import OnError, RejectsFile, size_of
from shopctl.cli.options import Context, DetailedExitCode, DryRun
from shopctl.cli.row_files import check_standard_output, tell
from shopctl.kernel.errors import one_line


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
    from shopctl.records.outcome import RowImport

    shop = ctx.obj
    check_standard_output(shop, rejects)
    request = RowImport(file, on_error.value, rejects, dry_run)
    with progress(shop, "Importing", total=size_of(file)) as bar:
        report = shop.services.customer_imports.run(
            request, lambda position, so_far: bar.update(position, rows=so_far.rows, rejects=so_far.rejected)
        )
    tell(shop, report, report, file, rejects)
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
