"""Files of users for tests, with hashes that no password has, and imports and exports on one system."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any, Literal

from shopctl.auth.exporting import Exported, UserExport, UserExportService
from shopctl.auth.importing.report import Report, UserImport
from shopctl.auth.importing.service import UserImportService
from shopctl.auth.system import AuthSystem
from shopctl.storage.unit import Unit
from support.feeds import csv_text

HEADER = "username,email,password_hash,roles"
_ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def bcrypt_hash(seed: object) -> str:
    """A hash of the form of bcrypt, always the same for a seed."""
    dice = random.Random(str(seed))
    return f"$2b$12${''.join(dice.choices(_ALPHABET, k=21))}e{''.join(dice.choices(_ALPHABET, k=31))}"


def many(count: int, first: int = 0, *, role: str = "customer") -> str:
    """A file of so many users."""
    rows = [(f"user{n}", f"user{n}@example.org", bcrypt_hash(n), role) for n in range(first, first + count)]
    return csv_text(HEADER, *rows)


class UserFiles:
    """Imports and exports on one system, in a folder for their files."""

    def __init__(self, system: AuthSystem, folder: Path) -> None:
        self.system = system
        self.folder = folder
        self.imports = UserImportService(system, rejects_folder=str(folder / "rejects"))
        self.exports = UserExportService(system)

    def file(self, text: str, name: str = "users.csv") -> Path:
        """A file with this content."""
        path = self.folder / name
        path.write_text(text, "utf-8")
        return path

    def take(self, text: str | Path, **options: Any) -> Report:
        """Import a file, given as a path or as its content."""
        path = text if isinstance(text, Path) else self.file(text)
        return self.imports.run(UserImport(str(path), **options))

    def rows(self, *rows: dict[str, Any], **options: Any) -> Report:
        """Import these rows as NDJSON."""
        return self.take(self.file("".join(json.dumps(row) + "\n" for row in rows), "users.ndjson"), **options)

    def export(self, format: Literal["csv", "ndjson"] = "ndjson", *, hashes: bool = True) -> tuple[Path, Exported]:
        """The users in a file."""
        path = self.folder / f"export.{format}"
        return path, self.exports.run(UserExport(format, str(path), hashes))

    def records(self, *, hashes: bool = True) -> dict[str, dict[str, Any]]:
        """The users as an export has them, by name."""
        path, _ = self.export(hashes=hashes)
        return {record["username"]: record for record in map(json.loads, path.read_text("utf-8").splitlines())}


def counted(report: Report) -> dict[str, int]:
    """The counts that are not zero."""
    return {name: count for name, count in vars(report.counts).items() if count}


def whys(report: Report) -> list[tuple[int, str, str]]:
    """Line, field and code of each reject that is shown."""
    return [(each["line"], each["field"], each["code"]) for each in report.rejects]  # type: ignore[misc]


def number_of_users(unit: Unit) -> int:
    """How many there are."""
    return int(unit.value("select count(*) from account"))
