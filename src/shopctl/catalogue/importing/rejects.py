"""The rejects file: a CSV that says what is wrong with each row, and can be corrected and imported again."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

from shopctl.catalogue.importing.journal import RejectRow

LEADING = ("line", "sku", "field", "code", "message")


def write_rejects(path: str, header: Sequence[str], rejects: Iterable[RejectRow]) -> None:
    """Write rejects under the columns of the feed they come from, to a file of mode 0600 or (`-`) standard output."""
    if path == "-":
        _write(sys.stdout, header, rejects)
        return
    draft = f"{path}.{os.getpid()}.tmp"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            _write(file, header, rejects)
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise


def _write(file: TextIO, header: Sequence[str], rejects: Iterable[RejectRow]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*LEADING, *header])
    for reject in rejects:
        cells = [_storable(cell) for cell in json.loads(reject.row)]
        writer.writerow([reject.line, reject.sku, reject.field, reject.code, reject.message, *cells])


def _storable(cell: object) -> str:
    # A lone surrogate stands for a byte the file could not be decoded at; it is written so that it can be seen.
    return str(cell).encode("utf-8", "backslashreplace").decode()
