"""Goes on where a killed import stopped: what it did is counted, what it did not take is named once more."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable

from shopctl.auth.importing.errors import OtherImportStopped
from shopctl.auth.importing.report import Counts, Report, UserImport
from shopctl.auth.system import AuthSystem
from shopctl.authdb import imports
from shopctl.authdb.imports import Stopped
from shopctl.records.fingerprint import fingerprint
from shopctl.records.reading import RowFile
from shopctl.records.rejects import Reject
from shopctl.storage.unit import Unit


class Journal:
    """The journal of one import; `line` is the last one that an earlier attempt has done."""

    def __init__(self, system: AuthSystem, stopped: Stopped) -> None:
        self.line = stopped.line
        self._system = system
        self._now = stopped

    def save(self, unit: Unit, line: int, counts: Counts, rejects: Iterable[Reject]) -> None:
        """Write down in the unit that takes a batch that the import came to this line."""
        self._now = self._now._replace(line=line, counts=json.dumps(vars(counts)))
        imports.save(unit, self._now)
        said = [(each.line, json.dumps([each.field, each.code, each.message])) for each in rejects]
        if said:
            imports.add_rejects(unit, self._system.sealer, self._now, said)

    def rejects(self, unit: Unit, first: int, last: int) -> dict[int, tuple[str, str, str]]:
        """Field, code and message of the rows on these lines that were not taken."""
        said = imports.rejects(unit, self._system.sealer, self._now, first, last)
        return {line: tuple(json.loads(text)) for line, text in said.items()}


def begun(system: AuthSystem, request: UserImport, file: RowFile, report: Report) -> Journal | None:
    """Find the journal to go on with, which the report then continues, or begin one; None where all is one unit.

    Another import that stopped is forgotten, or with `resume` stands in the way. Raises OtherImportStopped.
    """
    by_batches = request.on_error == "skip-rows"
    mark = fingerprint(request.path, file.size, (file.format, file.header, by_batches))
    with system.database.read() as unit:
        stopped = imports.stopped(unit)
    if stopped is not None and request.resume:
        if mark is None or mark != stopped.fingerprint:
            raise OtherImportStopped(file=file.source.name, source=stopped.source, line=stopped.line)
        report.import_id, report.resumed = stopped.id, True
        report.counts = Counts(**json.loads(stopped.counts))
        return Journal(system, stopped)
    if stopped is None and not by_batches:
        return None
    new = Stopped(report.import_id, mark, os.path.basename(request.path), 0, json.dumps(vars(Counts())))
    with system.database.unit() as unit:
        imports.forget(unit)
        if by_batches:
            imports.start(unit, new, system.clock.now())
    return Journal(system, new) if by_batches else None


def ended(system: AuthSystem) -> None:
    """The import came to the end of its file."""
    with system.database.unit() as unit:
        imports.forget(unit)
