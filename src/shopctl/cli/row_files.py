"""What the imports of files of users and customers show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from shopctl.cli.catalogue_feeds import BothWantStandardOutput
from shopctl.kernel.errors import one_line

if TYPE_CHECKING:
    from shopctl.cli.shop import Shop

_SHOWN = 10


class Counted(Protocol):
    """Rows by what became of them."""

    rows: int
    created: int
    updated: int
    unchanged: int
    rejected: int


class Told(Protocol):
    """A report."""

    seconds: float
    dry_run: bool
    refused: bool
    rejects: list[dict[str, Any]]

    @property
    def resumed(self) -> bool:
        """Whether it went on where an earlier one stopped."""

    def as_dict(self) -> dict[str, Any]:
        """The report as scripts read it."""


def check_standard_output(shop: Shop, rejects: str | None) -> None:
    """Find out before the work whether two want it. Raises BothWantStandardOutput."""
    if rejects == "-" and shop.output != "table":
        raise BothWantStandardOutput(one="--rejects -", other=f"-o {shop.output}")


def tell(shop: Shop, report: Told, counts: Counted, file: str, rejects: str | None) -> None:
    """Show a report, on standard error where the rejects take standard output."""
    if rejects == "-":
        shop.note(_summary(report, counts, file))
    else:
        shop.show(report.as_dict(), text=lambda: _summary(report, counts, file))


def _summary(report: Told, counts: Counted, file: str) -> str:
    from shopctl.cli.catalogue_reports import numbered

    name = "standard input" if file == "-" else one_line(file.rpartition("/")[2])
    what = "Dry run of" if report.dry_run else "Refused" if report.refused else "Imported"
    how = "nothing was changed" if report.refused or report.dry_run else f"{report.seconds:.1f} s"
    resumed = " (resumed)" if report.resumed else ""
    would = "would be " if report.dry_run or report.refused else ""
    numbers = [
        (counts.created, f"{would}added"),
        (counts.updated, f"{would}changed"),
        (counts.unchanged, "unchanged"),
        (counts.rejected, "not taken"),
    ]
    lines = [f"{what} {name}: {counts.rows:,} row{'' if counts.rows == 1 else 's'}, {how}{resumed}"]
    lines += numbered([each for each in numbers if each[0]])
    if report.rejects:
        lines += ["", "Not taken:"]
        for each in report.rejects[:_SHOWN]:
            field = f"{each['field']}: " if each["field"] else ""
            lines.append(f"  line {each['line']}  {field}{each['message']}")
        lines += [f"  … and {counts.rejected - _SHOWN:,} more"] * (counts.rejected > _SHOWN)
    return "\n".join(lines)
