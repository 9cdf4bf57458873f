"""What a backup is, as it says of itself: when it was made, of which databases, with how many rows."""

from __future__ import annotations

from typing import Any, NamedTuple

from shopctl.kernel.clock import Instant
from shopctl.storage.backup.errors import BackupDamaged, BackupNewer
from shopctl.storage.backup.sealed_file import Part
from shopctl.storage.errors import SchemaNewer
from shopctl.storage.migrations import Chain, head
from shopctl.storage.table_sums import TableSum
from shopctl.storage.unit import Dialect

FORMAT = 1
KEYS = "keys"


class Head(NamedTuple):
    """How far the audit trail of a database reached: its name, the last seal and its code, all entries."""

    database_id: str | None
    seal: int
    hmac: str
    entries: int


class DatabaseCopy(NamedTuple):
    """One database in a backup, as it was at the moment `at`; `namespace` is PostgreSQL's schema."""

    chain: Chain
    dialect: Dialect
    schema: str
    at: Instant
    namespace: str | None
    tables: dict[str, TableSum]
    audit: Head

    @property
    def rows(self) -> int:
        """The rows of all its tables."""
        return sum(table.rows for table in self.tables.values())


class Manifest(NamedTuple):
    """A whole backup."""

    backup_id: str
    created_at: Instant
    tool_version: str
    databases: tuple[DatabaseCopy, ...]
    parts: tuple[Part, ...]

    @property
    def rows(self) -> int:
        """The rows of both databases."""
        return sum(copy.rows for copy in self.databases)

    @property
    def taken_at(self) -> Instant:
        """The moment up to which it holds everything."""
        return min((copy.at for copy in self.databases), default=self.created_at)

    def part(self, name: str) -> Part | None:
        """A part by its name: that of a database is called as its chain."""
        return next((part for part in self.parts if part.name == name), None)


def to_json(manifest: Manifest) -> dict[str, Any]:
    """As it is written."""
    databases = [
        copy._asdict()
        | {"tables": {name: table._asdict() for name, table in copy.tables.items()}, "audit": copy.audit._asdict()}
        for copy in manifest.databases
    ]
    return manifest._asdict() | {
        "format": FORMAT,
        "databases": databases,
        "parts": [part._asdict() for part in manifest.parts],
    }


def from_json(found: dict[str, Any], path: str) -> Manifest:
    """As it was read. Raises BackupNewer, and BackupDamaged for what no shopctl wrote."""
    if isinstance(found.get("format"), int) and found["format"] > FORMAT:
        raise BackupNewer(path=path)
    try:
        databases = tuple(
            DatabaseCopy(
                **{name: each[name] for name in DatabaseCopy._fields}
                | {
                    "tables": {name: TableSum(**table) for name, table in each["tables"].items()},
                    "audit": Head(**each["audit"]),
                }
            )
            for each in found["databases"]
        )
        parts = tuple(Part(**part) for part in found["parts"])
        made = Manifest(found["backup_id"], found["created_at"], found["tool_version"], databases, parts)
    except (KeyError, TypeError, AttributeError):
        raise BackupDamaged(path=path, reason="its manifest is not understood") from None
    if missing := [copy.chain for copy in databases if made.part(copy.chain) is None]:
        raise BackupDamaged(path=path, reason=f"the part {missing[0]} is not in it")
    return made


def check_schemas(manifest: Manifest) -> None:
    """Refuse what this shopctl is too old for. Raises SchemaNewer."""
    for copy in manifest.databases:
        if copy.schema > head(copy.chain):  # four digits each
            raise SchemaNewer(chain=copy.chain, found=copy.schema, wanted=head(copy.chain))
