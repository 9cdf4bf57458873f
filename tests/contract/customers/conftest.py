"""The customers of a shop of their own, on both databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shopctl.audit.keys import create_key
from shopctl.audit.service import Audit
from shopctl.customers.exporting import ExportRequest, ExportService
from shopctl.customers.importing import ImportService, Report
from shopctl.customers.sealed import COLUMNS
from shopctl.customers.service import CustomerService
from shopctl.kernel.clock import Clock
from shopctl.kernel.errors import NotFound
from shopctl.records.outcome import RowImport
from shopctl.storage.database import Database
from shopctl.storage.sealing import Sealer
from support.sealing import Held

ANNA = "usr_01m8g6vm92fmbadycx1k327kwf"


class People:
    """What the verbs call, on one database; another of these is another process."""

    def __init__(self, database: Database, folder: Path, clock: Clock, keks: Held) -> None:
        self.database = database
        self.folder = folder
        self.sealer = Sealer("shop", COLUMNS, keks)
        self.audit = Audit(database, folder / "audit.key", actor="os:anna", clock=clock)
        self.service = CustomerService(database, self.audit, clock, self.sealer, user_id)
        place = str(folder / "rejects")
        self.imports = ImportService(database, self.audit, clock, self.sealer, user_id, rejects_folder=place)
        self.exports = ExportService(database, self.sealer)

    def import_(self, text: str, name: str = "people.csv", **how: Any) -> Report:
        """Import a file of this text."""
        path = self.folder / name
        path.write_text(text, newline="")
        return self.imports.run(RowImport(str(path), **how))

    def export(self, format: Any = "csv") -> str:
        """All customers as the text of a file."""
        path = self.folder / "out"
        self.exports.run(ExportRequest(format, str(path)))
        with path.open(newline="") as file:
            return file.read()

    def actions(self) -> list[tuple[str, str | None, str]]:
        """The audit trail from its beginning: action, subject, facts."""
        return [(entry.action, entry.subject, entry.facts) for entry in self.audit.entries(limit=1000)][::-1]

    def stored(self) -> str:
        """All the rows of customers as text."""
        with self.database.read() as unit:
            tables = ("customer", "customer_address", "customer_payment_method", "audit_entry")
            return repr([unit.tuples(f"select * from {table}") for table in tables])


def user_id(who: str) -> str:
    """The id of the only user there is."""
    if who not in ("anna", ANNA):
        raise NotFound(what=f"The user {who}")
    return ANNA


@pytest.fixture
def keks() -> Held:
    return Held()


@pytest.fixture
def people(database: Database, tmp_path: Path, turned: Clock, keks: Held) -> People:
    create_key(tmp_path / "audit.key")
    made = People(database, tmp_path, turned, keks)
    with database.unit() as unit:
        made.sealer.begin(unit)
    return made
