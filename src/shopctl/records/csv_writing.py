"""Writes CSV that every reader takes apart as it was put together."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import IO


class CsvWriter:
    """Rows of texts, separated by commas and line feeds (RFC 4180 but for the line end)."""

    def __init__(self, file: IO[str]) -> None:
        self._plain = csv.writer(file, lineterminator="\n")
        self._quoting = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)

    def row(self, cells: Sequence[str]) -> None:
        """Write one row."""
        # Python before 3.13 leaves a lone carriage return without quotes, and readers take it for the end of the line.
        (self._quoting if any("\r" in cell for cell in cells) else self._plain).writerow(cells)
