"""Feeds for tests of import and export, and the whole content of a database to compare."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from shopctl.audit.service import Audit
from shopctl.catalogue.exporting import ExportRequest, ExportService
from shopctl.catalogue.importing.applying import ApplyService
from shopctl.catalogue.importing.request import ImportRequest, Report
from shopctl.catalogue.importing.rollback import RollbackService
from shopctl.catalogue.importing.service import ImportService
from shopctl.kernel.clock import Clock
from shopctl.records.source import Limits
from shopctl.storage.database import Database

CELLS = tuple[str, ...]


def csv_text(header: str | Sequence[str], *rows: Sequence[object]) -> str:
    """A CSV feed."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header.split(",") if isinstance(header, str) else header)
    writer.writerows(rows)
    return out.getvalue()


# Two states of a small shop: one product changed, one the same, one gone, one new.
HEADER = "sku,name,price,stock,category,colour"
FIRST = csv_text(
    HEADER, ("A", "Mug", "1.00", 5, "Home", "red"), ("B", "Cup", "2.00", 6, "Home", ""), ("C", "Pot", "3", 1, "", "")
)
SECOND = csv_text(
    HEADER,
    ("A", "Blue mug", "1.50", 7, "Home > Kitchen", "blue"),
    ("B", "Cup", "2.00", 6, "Home", ""),
    ("D", "Jar", "4", 2, "", ""),
)


class Feeds:
    """Imports and exports on one database, in a folder for their files."""

    def __init__(self, database: Database, audit: Audit, clock: Clock, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self.rejects = folder / "rejects"
        self.service = ImportService(
            database, audit, clock, limits=Limits(), currency="USD", rejects_folder=str(self.rejects)
        )
        self.plans = ApplyService(database, audit, clock)
        self.rollbacks = RollbackService(database, audit, clock)
        self.exports = ExportService(database, clock, "USD")

    def file(self, text: str | bytes, name: str = "feed.csv") -> Path:
        """A file with this content."""
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def run(self, feed: str | bytes | Path, name: str = "feed.csv", **options: Any) -> Report:
        """Import a feed, given as a path or as its content; raises for rejects only where the service does."""
        path = feed if isinstance(feed, Path) else self.file(feed, name)
        return self.service.run(ImportRequest(str(path), **options))

    def plan(self, feed: str | bytes | Path, name: str = "feed.csv", **options: Any) -> tuple[str, Report]:
        """Plan an import: the plan's path, and what it would do."""
        out = str(self.folder / "plan")
        return out, self.run(feed, name, dry_run=True, plan_out=out, **options)

    def records(self, **options: Any) -> list[dict[str, Any]]:
        """The catalogue as an NDJSON export has it."""
        path = self.export("ndjson", "records.ndjson", **options)
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]

    def record(self, sku: str) -> dict[str, Any]:
        """One product of it."""
        return {record["sku"]: record for record in self.records()}[sku]

    def export(self, format: Any, name: str, **options: Any) -> Path:
        """The catalogue in a file."""
        path = self.folder / name
        self.exports.run(ExportRequest(format, str(path), **options))
        return path

    def value(self, sql: str, **params: object) -> Any:
        """One value out of the database."""
        with self.database.read() as unit:
            return unit.value(sql, **params)


def content(database: Database, *, without: Iterable[str] = ()) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, to compare before and after."""
    with database.read() as unit:
        return {
            table: sorted(unit.tuples(f'select * from "{table}"'), key=repr)
            for table in unit.tables()
            if table not in set(without)
        }


def assert_counted(report: Report) -> None:
    """Every row is counted once, by what became of it."""
    counts = report.counts
    assert counts.rows == counts.created + counts.updated + counts.unchanged + counts.rejected + counts.superseded


def counted(report: Report) -> Mapping[str, int]:
    """The counts that are not zero."""
    return {name: count for name, count in report.counts.as_dict().items() if count}
