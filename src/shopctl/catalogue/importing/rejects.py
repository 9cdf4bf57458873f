"""The rejects file: a CSV that says what is wrong with each row, and can be corrected and imported again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence

from shopctl.catalogue.importing.errors import RejectsUnwritable
from shopctl.catalogue.importing.journal import RejectRow
from shopctl.records.csv_writing import CsvWriter
from shopctl.records.errors import NothingToWriteTo
from shopctl.records.outlet import check_writable, outlet

LEADING = ("line", "sku", "field", "code", "message")


def check_place(path: str | None, feed: str) -> None:
    """Find out before the work whether rejects can be written there. Raises RejectsUnwritable."""
    if path is None:
        return
    try:
        if path != "-" and os.path.exists(path) and os.path.exists(feed) and os.path.samefile(path, feed):
            raise RejectsUnwritable(path=path, reason="it is the feed itself")
        check_writable(path)
    except NothingToWriteTo as error:
        raise RejectsUnwritable(**error.facts) from None


def check_plan_place(path: str | None, feed: str) -> None:
    """Find out before the work whether a plan can be written there. Raises NothingToWriteTo."""
    if path is None:
        return
    if path != "-" and os.path.exists(path) and os.path.exists(feed) and os.path.samefile(path, feed):
        raise NothingToWriteTo(path=path, reason="it is the feed itself")
    check_writable(path)


def write_rejects(path: str, header: Sequence[str], rejects: Iterable[RejectRow]) -> None:
    """Write rejects under the columns of the feed they come from, to a file of mode 0600 or (`-`) standard output.

    Raises NothingToWriteTo, NoRoom.
    """
    with outlet(path, mode=0o600) as file:
        writer = CsvWriter(file)
        writer.row([*LEADING, *(_storable(name) for name in header)])
        line = 0
        for reject in rejects:
            if reject.line == line:
                continue  # a line that says several products needs correcting once
            line = reject.line
            cells = [_storable(cell) for cell in json.loads(reject.row)]
            writer.row([str(reject.line), reject.sku, reject.field, reject.code, reject.message, *cells])


def _storable(cell: object) -> str:
    # A lone surrogate stands for a byte the file could not be decoded at; it is written so that it can be seen.
    return str(cell).encode("utf-8", "backslashreplace").decode()
