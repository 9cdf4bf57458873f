"""What an import of users is asked to do, and what it has to say afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shopctl.auth.importing.errors import UserRowsRejected, UserRowsSkipped
from shopctl.records.outcome import RowImport, facts_of_rejects


@dataclass(frozen=True)
class UserImport(RowImport):
    """One import, which may go on where an earlier one of the same file was killed."""

    resume: bool = False

    @property
    def resumable(self) -> bool:
        """Whether it can be gone on with when it was killed: it commits on the way, and the file can be read again."""
        return self.on_error == "skip-rows" and self.path != "-" and not self.dry_run


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
        facts = facts_of_rejects(counts.rows, counts.rejected, self.rejects_file, dry_run=self.dry_run)
        facts["is_in"] = "would be" if self.dry_run else "is done"
        raise (UserRowsRejected if self.refused else UserRowsSkipped)(**facts)


Progress = Callable[[int, Counts], None]  # bytes of the file read, counts so far


def silent(_position: int, _counts: Counts) -> None:
    """No progress to show."""
