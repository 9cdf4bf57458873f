"""Customers out of the shop, so exactly that importing the file again changes nothing.

What is not in it: erased customers, of whom nothing is left to move, and saved payment methods, which are the gateway's
and stay as they are when the file is imported.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

from shopctl.customers.queries import Customers, Filters
from shopctl.customers.rows import COLUMNS, cells
from shopctl.records.csv_writing import CsvWriter
from shopctl.records.outlet import outlet
from shopctl.storage.database import Database
from shopctl.storage.sealing import Sealer

_BETWEEN = 1000  # rows between two words about progress


class ExportRequest(NamedTuple):
    """What to write, and where to (`-`: standard output)."""

    format: Literal["csv", "ndjson"] = "csv"
    out: str = "-"


class ExportService:
    """Writes customers into files of mode 0600."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    def run(self, request: ExportRequest, progress: Callable[[int], None] = lambda rows: None) -> int:
        """Write all customers; how many. Raises NothingToWriteTo, NoRoom."""
        count = 0
        with outlet(request.out, mode=0o600) as file:
            writer = CsvWriter(file)
            if request.format == "csv":
                writer.row(COLUMNS)
            for row in self._rows():
                if request.format == "csv":
                    writer.row([_cell(row[column]) for column in COLUMNS])
                else:
                    file.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
                count += 1
                if count % _BETWEEN == 0:
                    progress(count)
        return count

    def _rows(self) -> Iterator[dict[str, Any]]:
        with self._database.read() as unit:
            customers = Customers(unit, self._sealer)
            for profile in customers.with_belongings(customers.listed(Filters(state="active"), limit=None)):
                yield cells(profile)


def _cell(value: Any) -> str:
    if value is None or value == []:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
