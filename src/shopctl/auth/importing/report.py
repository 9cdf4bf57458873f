"""What an import of users is asked to do, and what it has to say afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from shopctl.auth.importing.errors import UserRowsRejected, UserRowsSkipped


@dataclass(frozen=True)
class UserImport:
    """One import: where the file is, and what to do with rows that are not valid."""

    path: str  # "-": standard input
    on_error: Literal["reject-file", "skip-rows"] = "reject-file"
    rejects: str | None = None  # where to write the rejects; by default into the shop's folder
    dry_run: bool = False
    resume: bool = False


@dataclass
class Counts:
    """Rows by what became of them; they add up to `rows`."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    passwords_left_out: int = 0
    """Hashes of another shop, with which nobody could log in here; their rows count as what else they did."""

    @property
    def changed(self) -> int:
        """How many users became, or would become, different."""
        return self.created + self.updated


@dataclass
class Report:
    """What an import did, or (dry run) would do."""

    import_id: str
    dry_run: bool
    counts: Counts = field(default_factory=Counts)
    seconds: float = 0.0
    rejects_file: str | None = None
    resumed: bool = False
    refused: bool = False  # nothing was changed because of the rejects
    ignored: list[str] = field(default_factory=list)  # columns that mean nothing here
    rejects: list[dict[str, Any]] = field(default_factory=list)  # the first of them, without their rows

    def as_dict(self) -> dict[str, Any]:
        """The report as scripts read it."""
        counts = self.counts
        return {
            "import_id": self.import_id,
            "rows": counts.rows,
            "created": counts.created,
            "updated": counts.updated,
            "unchanged": counts.unchanged,
            "rejected": counts.rejected,
            "passwords_left_out": counts.passwords_left_out,
            "seconds": round(self.seconds, 3),
            "rows_per_second": round(counts.rows / self.seconds) if self.seconds else 0,
            "rejects_file": self.rejects_file,
            "resumed": self.resumed,
            "dry_run": self.dry_run,
            "ignored_columns": self.ignored,
            "rejects": self.rejects,
        }

    def raise_for_rejects(self) -> None:
        """Say with an error that rows were not taken. Raises UserRowsRejected (exit 12), UserRowsSkipped (6)."""
        counts = self.counts
        if not counts.rejected:
            return
        one = counts.rejected == 1
        facts = {
            "rows": counts.rows,
            "rejected": counts.rejected,
            "remedy": self._remedy(),
            "are": "is" if one else "are",
            "was": "would be" if self.dry_run else "was",
            "were_not": "would not be" if self.dry_run else "was not" if one else "were not",
            "is_in": "would be" if self.dry_run else "is done",
        }
        raise (UserRowsRejected if self.refused else UserRowsSkipped)(**facts)

    def _remedy(self) -> str:
        if self.rejects_file is None:
            return "To have these rows as a file: --rejects FILE."
        if self.rejects_file == "-":
            return "Correct the rows on standard output and import those."
        return f"Correct them in {self.rejects_file} and import that file."


Progress = Callable[[int, Counts], None]  # bytes of the file read, counts so far


def silent(_position: int, _counts: Counts) -> None:
    """No progress to show."""
