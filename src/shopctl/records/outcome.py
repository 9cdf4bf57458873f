"""What imports of files of rows are asked, and what they say of rows that they did not take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from shopctl.records.rejects import Reject


@dataclass(frozen=True)
class RowImport:
    """One import: where the file is, and what to do with rows that are not valid."""

    path: str  # "-": standard input
    on_error: Literal["reject-file", "skip-rows"] = "reject-file"
    rejects: str | None = None  # where to write the rejects; by default into the shop's folder
    dry_run: bool = False


def shown(reject: Reject) -> dict[str, Any]:
    """A reject for a report: its cells stay in the file, which only its owner can read."""
    return {name: value for name, value in reject._asdict().items() if name != "cells"}


def facts_of_rejects(rows: int, rejected: int, rejects_file: str | None, *, dry_run: bool) -> dict[str, Any]:
    """What the errors about rejects are told: the numbers, the way out, and words that fit them."""
    one = rejected == 1
    return {
        "rows": rows,
        "rejected": rejected,
        "remedy": _remedy(rejects_file),
        "are": "is" if one else "are",
        "was": "would be" if dry_run else "was",
        "were_not": "would not be" if dry_run else "was not" if one else "were not",
    }


def _remedy(rejects_file: str | None) -> str:
    if rejects_file is None:
        return "To have these rows as a file: --rejects FILE."
    if rejects_file == "-":
        return "Correct the rows on standard output and import those."
    return f"Correct them in {rejects_file} and import that file."
