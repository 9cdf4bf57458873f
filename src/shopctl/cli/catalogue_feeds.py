"""`shopctl catalogue import`, `imports` and `export`: feeds in and out."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shopctl.cli.options import At, Context, DetailedExitCode, DryRun, Limit
from shopctl.kernel.errors import UsageError, one_line

if TYPE_CHECKING:
    from shopctl.catalogue.importing.request import Report


class BothWantStandardOutput(UsageError):
    """--rejects - and -o {output} both want standard output."""

    code = "usage.standard_output"
    hint = "Name a file with --rejects FILE; the report says in rejects_file where it is."


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
    medusa = "medusa"


FeedFormat = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="NAME",
        help="auto, csv, ndjson, json, xlsx, saleor, shopify, shopify-inventory, woocommerce, magento, medusa, or a plugin's.",
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
) -> None:
    """Bring a feed into the catalogue: new products are added, changed ones updated, the rest left alone.

    Every row goes in, or is named with its line and the reason. By default one bad row refuses the file and nothing
    changes; with --on-error skip-rows the good rows go in. Importing the same file again changes nothing.
    """
    from shopctl.catalogue.feed.mapping import mapping_file
    from shopctl.catalogue.importing.request import ImportRequest
    from shopctl.cli.progress import progress

    shop = ctx.obj
    mapping = mapping and mapping_file(mapping, shop.settings.get("catalogue.mappings"))
    if rejects == "-" and shop.output != "table":
        raise BothWantStandardOutput(output=shop.output)
    request = ImportRequest(file, format, mapping, on_error.value, rejects, prune, dry_run, resume)
    imports = shop.services.imports
    try:
        with progress(shop, "Importing", total=_size(file)) as bar:
            report = imports.run(
                request,
                lambda position, counts: bar.update(position, rows=counts.rows, rejects=counts.rejected),
            )
    except (KeyboardInterrupt, SystemExit) as left:
        if not dry_run:
            left.add_note(f"Go on with: {request.resuming_command}")
        raise
    if rejects == "-":
        shop.note(_summary(report, file))  # standard output is the rejects'
    else:
        shop.show(report.as_dict(), text=lambda: _summary(report, file))
    if report.changed and not dry_run:
        with progress(shop, "Indexing", total=None) as bar:
            shop.services.search.follow(lambda done: bar.update(done, rows=done), shop.note)
    report.raise_for_rejects()
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
    shop.note(f"{count:,} product{'' if count == 1 else 's'} written" + (f" to {out}" if out != "-" else ""))


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


def _summary(report: Report, file: str) -> str:
    counts = report.counts
    name = "standard input" if file == "-" else file.rpartition("/")[2]
    what = "Dry run of" if report.dry_run else "Refused" if report.refused else "Imported"
    how = "nothing was changed" if report.dry_run or report.refused else f"{_duration(report.seconds)}"
    lines = [f"{what} {name}: {_rows(counts.rows)}, {how}" + (" (resumed)" if report.resumed else "")]
    numbers = [(f"{getattr(counts, key):,}", words) for key, words in _WORDS.items() if getattr(counts, key)]
    held_back = counts.rows - sum(getattr(counts, key) for key in _OF_ROWS)
    if held_back:
        numbers.append(
            (f"{held_back:,}", f"valid, but {'would not be' if report.dry_run else 'not'} taken with the file refused")
        )
    width = max((len(number) for number, _ in numbers), default=0)
    would = "would be " if report.dry_run else ""
    lines += [f"  {number:>{width}}  {would if words in _WRITES else ''}{words}" for number, words in numbers]
    if report.not_pruned:
        lines += ["", f"Nothing {'would be' if report.dry_run else 'was'} retired: {report.not_pruned}."]
    lines += _change_lines(report)
    rejects = [(f"line {row['line']}", row["sku"], _reason(row)) for row in report.rejects[:_SHOWN]]
    lines += _listed_rows("Not taken:", rejects, counts.rejected)
    superseded = [(f"line {row['line']}", row["sku"], row["message"]) for row in report.superseded[:_SHOWN_REPLACED]]
    lines += _listed_rows("Replaced by a later row:", superseded, counts.superseded)
    return "\n".join(map(one_line, lines))


def _change_lines(report: Report) -> list[str]:
    lines = []
    for change in report.changes[:_SHOWN_CHANGES]:
        fields = change["fields"]
        label = f"  {_short(fields['name']['to'])}" if change["action"] == "create" and "name" in fields else ""
        lines.append(f"{_MARKS[change['action']]} {change['sku']}{label}")
        if change["action"] == "update":
            lines += [f"    {name}: {_short(pair['from'])} -> {_short(pair['to'])}" for name, pair in fields.items()]
    counts = report.counts
    hidden = counts.created + counts.updated + counts.retired - _SHOWN_CHANGES
    if report.changes and hidden > 0:
        lines.append(f"  … and {hidden:,} more; the first {len(report.changes):,} in full with: -o json")
    return ["", *lines] if lines else []


def _listed_rows(title: str, rows: list[tuple[str, str, str]], count: int) -> list[str]:
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = [f"  {line:<{widths[0]}}  {sku:<{min(widths[1], 30)}}  {reason}" for line, sku, reason in rows]
    if count > len(rows):
        lines.append(f"  … and {count - len(rows):,} more")
    return ["", title, *lines]


def _reason(reject: dict[str, Any]) -> str:
    field, message = reject["field"], reject["message"]
    return message if not field or field in message else f"{field}: {message}"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds) // 60} min {int(seconds) % 60} s"


def _short(value: object) -> str:
    import json

    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        value = ", ".join(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:59] + "…"


_WORDS = {
    "created": "created", "updated": "updated", "unchanged": "unchanged", "retired": "retired",
    "superseded": "replaced by a later row of the same SKU", "rejected": "not taken",
}  # fmt: skip
_OF_ROWS = ("created", "updated", "unchanged", "superseded", "rejected")
_WRITES = {"created", "updated", "retired"}
_MARKS = {"create": "+", "update": "~", "retire": "-"}
_SHOWN = 10
_SHOWN_REPLACED = 3
_SHOWN_CHANGES = 20
