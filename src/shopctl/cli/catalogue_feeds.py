"""`shopctl catalogue import`, `imports` and `export`: feeds in and out."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shopctl.cli.options import At, Context, DetailedExitCode, DryRun, Limit

if TYPE_CHECKING:
    from shopctl.catalogue.importing.request import Report


class OnError(StrEnum):
    """What a row that is not valid does to its file."""

    reject_file = "reject-file"
    skip_rows = "skip-rows"


class ExportFormat(StrEnum):
    """Formats the whole catalogue can be written in."""

    csv = "csv"
    ndjson = "ndjson"
    json = "json"
    xlsx = "xlsx"


def import_(
    ctx: Context,
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="The feed; - reads standard input.")],
    format: Annotated[str, typer.Option("--format", metavar="NAME", help="auto, csv, ndjson, json, xlsx, or a plugin's.")] = "auto",
    mapping: Annotated[str | None, typer.Option("--mapping", metavar="FILE", help="How the feed's columns are named (TOML).")] = None,
    on_error: Annotated[OnError, typer.Option("--on-error", help="What a row that is not valid does.")] = OnError.reject_file,
    rejects: Annotated[str | None, typer.Option("--rejects", metavar="FILE|-", help="Where to write the rows not taken.")] = None,
    prune: Annotated[bool, typer.Option("--prune", help="Retire what this feed brought before and brings no more.")] = False,
    dry_run: DryRun = False,
    detailed_exitcode: DetailedExitCode = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a killed import of the same file stopped.")] = False,
) -> None:  # fmt: skip
    """Bring a feed into the catalogue: new products are added, changed ones updated, the rest left alone.

    Every row goes in, or is named with its line and the reason. By default one bad row refuses the file and nothing
    changes; with --on-error skip-rows the good rows go in. Importing the same file again changes nothing.
    """
    from shopctl.catalogue.importing.request import ImportRequest
    from shopctl.cli.progress import progress

    shop = ctx.obj
    request = ImportRequest(file, format, mapping, on_error.value, rejects, prune, dry_run, resume)
    imports = shop.services.imports
    with progress(shop, "Importing", total=_size(file)) as bar:
        report = imports.run(
            request,
            lambda position, counts: bar.update(position, rows=counts.rows, rejects=counts.rejected),
        )
    shop.show(report.as_dict(), text=lambda: _summary(report))
    report.raise_for_rejects()
    if detailed_exitcode and dry_run and (report.counts.created or report.counts.updated or report.counts.retired):
        raise typer.Exit(10)


def imports(ctx: Context, limit: Limit = 20) -> None:
    """List the latest imports, newest first."""
    shop = ctx.obj
    shop.show(
        [_listed(row) for row in shop.services.imports.list(limit)],
        columns=("import_id", "feed", "source", "state", "rows", "created", "updated", "rejected", "started_at"),
        empty="no imports yet",
    )


def export(
    ctx: Context,
    format: Annotated[ExportFormat | None, typer.Option("--format", help="The format; by default that of FILE's name, else CSV.")] = None,
    out: Annotated[str, typer.Option("--out", metavar="FILE|-", help="Where to; - is standard output.")] = "-",
    at: At = None,
    escape_formulas: Annotated[bool, typer.Option("--escape-formulas", help="CSV for a spreadsheet: no cell is run as a formula. Not for importing again.")] = False,
) -> None:  # fmt: skip
    """Write the whole catalogue out, so exactly that importing it again changes nothing."""
    from shopctl.catalogue.exporting import ExportRequest
    from shopctl.cli.progress import progress

    shop = ctx.obj
    chosen = format or _format_of(out)
    request = ExportRequest(chosen.value, out, shop.instant(at), escape_formulas)
    with progress(shop, "Exporting") as bar:
        count = shop.services.exports.run(request, lambda rows: bar.update(rows, rows=rows))
    shop.note(f"{count:,} products written" + (f" to {out}" if out != "-" else ""))


def register(noun: typer.Typer) -> None:
    """Add these verbs to `shopctl catalogue`."""
    noun.command("import")(import_)
    noun.command("imports")(imports)
    noun.command("export")(export)


def _size(file: str) -> int | None:
    import os

    return os.path.getsize(file) if file != "-" and os.path.isfile(file) else None


def _format_of(out: str) -> ExportFormat:
    ending = out.rpartition(".")[2].lower()
    return ExportFormat(ending) if ending in set(ExportFormat) else ExportFormat.csv


def _listed(row: Any) -> dict[str, Any]:
    from shopctl.kernel import clock

    return {**row._asdict(), "started_at": clock.show(row.started_at), "finished_at": clock.show(row.finished_at)}


def _summary(report: Report) -> str:
    counts = report.counts
    would = "would be " if report.dry_run else ""
    lines = [f"{counts.rows:,} rows read in {report.seconds:.1f} s" + (" (resumed)" if report.resumed else "")]
    for name, what in _WORDS:
        if number := getattr(counts, name):
            lines.append(f"  {number:>11,}  {would if name in _WRITES else ''}{what}")
    for change in report.changes[:20]:
        lines.append(f"{_MARKS[change['action']]} {change['sku']}")
        if change["action"] != "create":
            lines += [
                f"    {name}: {_short(pair['from'])} -> {_short(pair['to'])}" for name, pair in change["fields"].items()
            ]
    hidden = counts.created + counts.updated + counts.retired - 20
    if report.changes and hidden > 0:
        lines.append(f"… and {hidden:,} more; the first {len(report.changes):,} in full with: -o json")
    for reject in report.rejects[:10]:
        lines.append(
            f"! line {reject['line']}: {reject['message']}" + (f" ({reject['field']})" if reject["field"] else "")
        )
    if counts.rejected > 10:
        lines.append(f"! … and {counts.rejected - 10:,} more")
    for row in report.superseded[:10]:
        lines.append(f"~ line {row['line']}: {row['sku']}: {row['message']}")
    if counts.superseded > 10:
        lines.append(f"~ … and {counts.superseded - 10:,} more")
    if report.refused:
        lines.append("nothing was changed")
    return "\n".join(lines)


def _short(value: object) -> str:
    import json

    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:59] + "…"


_WORDS = (
    ("created", "created"), ("updated", "updated"), ("unchanged", "unchanged"), ("retired", "retired"),
    ("superseded", "replaced by a later row of the same SKU"), ("rejected", "rejected"),
)  # fmt: skip
_WRITES = {"created", "updated", "retired"}
_MARKS = {"create": "+", "update": "~", "retire": "-"}
