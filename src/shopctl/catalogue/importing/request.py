"""What an import is asked to do, and what it has to say afterwards."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from shopctl.catalogue.importing.errors import GuardBroken, NothingUsable, RowsRejected, RowsSkipped
from shopctl.catalogue.importing.journal import Counts
from shopctl.records.outcome import facts_of_rejects


@dataclass(frozen=True)
class ImportRequest:
    """One import: where the feed is, how to read it, and what to do with rows that are not valid."""

    path: str  # "-": standard input
    format: str = "auto"
    mapping: str | None = None
    on_error: Literal["reject-file", "skip-rows"] = "reject-file"
    rejects: str | None = None  # where to write the rejects; by default into the shop's folder
    prune: bool = False  # retire what this feed brought before and brings no more
    dry_run: bool = False
    resume: bool = False
    plan_out: str | None = None  # where to write the plan of a dry run
    guards: tuple[str, ...] = ()  # rules, see `guards.parsed`

    @property
    def resuming_command(self) -> str:
        """The command line that goes on where this import stops. What was read from a pipe has to be sent again."""
        options = {"--format": self.format, "--mapping": self.mapping, "--on-error": self.on_error}
        usual = {"--format": "auto", "--on-error": "reject-file"}
        given = [
            word for name, value in options.items() if value and value != usual.get(name) for word in (name, value)
        ]
        given += [word for rule in self.guards for word in ("--guard", rule)]
        given += ["--prune"] * self.prune + ["--resume"] * (self.path != "-")
        return shlex.join(["shopctl", "catalogue", "import", self.path, *given])


@dataclass
class Report:
    """What an import did, or (dry run) would do."""

    import_id: str
    counts: Counts
    seconds: float
    rejects_file: str | None
    resumed: bool
    dry_run: bool
    refused: bool  # nothing was changed because of the rejects
    rejects: list[dict[str, Any]] = field(default_factory=list)  # the first of them
    superseded: list[dict[str, Any]] = field(default_factory=list)  # the first of them
    changes: list[dict[str, Any]] = field(default_factory=list)  # dry run: the first of them, field by field
    phases: dict[str, float] = field(default_factory=dict)  # seconds of wall time
    not_pruned: str | None = None  # why nothing was retired although that was asked for
    guards: list[dict[str, Any]] = field(default_factory=list)  # what each guard found, see `guards.Result`
    plan_file: str | None = None

    @property
    def changed(self) -> int:
        """How many products became, or would become, different."""
        counts = self.counts
        return 0 if self.refused else counts.created + counts.updated + counts.retired

    def as_dict(self) -> dict[str, Any]:
        """The report as scripts read it."""
        shown = {
            "import_id": self.import_id,
            **self.counts.as_dict(),
            "seconds": round(self.seconds, 3),
            "rows_per_second": round(self.counts.rows / self.seconds) if self.seconds else 0,
            "rejects_file": self.rejects_file,
            "resumed": self.resumed,
            "dry_run": self.dry_run,
            "not_pruned": self.not_pruned,
            "phases": {name: round(seconds, 3) for name, seconds in self.phases.items()},
            "rejects": self.rejects,
        }
        shown["superseded_rows"] = self.superseded
        shown["guards"] = self.guards
        shown["plan_file"] = self.plan_file
        if self.dry_run:
            shown["changes"] = self.changes
        return shown

    def raise_for_guards(self) -> None:
        """Say with an error that a guard is broken. Raises GuardBroken (exit 12)."""
        broken = [guard for guard in self.guards if guard["broken"]]
        if broken:
            names = [f"{guard['rule']} is broken (measured: {guard['measured']})" for guard in broken]
            raise GuardBroken(what="The guard " + ", and the guard ".join(names), guards=broken)

    def raise_for_rejects(self) -> None:
        """Say with an error that rows were not taken. Raises NothingUsable, RowsRejected (exit 12), RowsSkipped (6)."""
        counts = self.counts
        facts = facts_of_rejects(counts.rows, counts.rejected, self.rejects_file, dry_run=self.dry_run)
        facts["is_in"] = "would go into" if self.dry_run else "is in"
        if self.refused and counts.rejected + counts.superseded == counts.rows:
            raise NothingUsable(first=self.rejects[0]["message"], **facts)
        if self.refused:
            raise RowsRejected(**facts)
        if counts.rejected:
            raise RowsSkipped(**facts)


Progress = Callable[[int, Counts], None]  # bytes of the file read, rows so far


def silent(_position: int, _counts: Counts) -> None:
    """No progress to show."""
