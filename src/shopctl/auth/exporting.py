"""Users into a file, such that importing it again changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import IO, Any, Literal, NamedTuple

from shopctl.auth.hash_forms import OWN_PREFIX
from shopctl.auth.importing.rows import names_cell
from shopctl.auth.system import AuthSystem
from shopctl.authdb import accounts, bulk, credentials
from shopctl.authdb.accounts import Filters
from shopctl.authdb.model import Account
from shopctl.kernel import clock
from shopctl.records.csv_writing import CsvWriter
from shopctl.records.outlet import outlet
from shopctl.storage.unit import Unit

COLUMNS = ("username", "email", "kind", "state", "roles", "permissions", "created_at", "last_login_at")
OF_PASSWORDS = ("password_hash", "password_origin")
_TOGETHER = 2000

Progress = Callable[[int], None]  # users so far


@dataclass(frozen=True)
class UserExport:
    """One export: which format, where to ("-": standard output), and whether with the hashes of passwords."""

    format: Literal["csv", "ndjson"]
    out: str
    hashes: bool = False


class Exported(NamedTuple):
    """What an export holds, and how much of it is good for this shop only or stayed here."""

    users: int
    own_hashes: int
    services: int
    second_factors: int


class UserExportService:
    """Exports users."""

    def __init__(self, system: AuthSystem) -> None:
        self._system = system

    def run(self, request: UserExport, progress: Progress = lambda _done: None) -> Exported:
        """Write all users, to a file of mode 0600 that appears whole or not at all. Raises NothingToWriteTo, NoRoom."""
        users = own = services = 0
        with self._system.database.read() as unit, outlet(request.out, mode=0o600) as file:
            write = _csv(file, request.hashes) if request.format == "csv" else _ndjson(file)
            for record in self._records(unit, with_hashes=request.hashes):
                write(record)
                users += 1
                own += "password_origin" in record
                services += record["kind"] == "service"
                if users % _TOGETHER == 0:
                    progress(users)
            factors = credentials.confirmed_factors(unit)
        return Exported(users, own, services, factors)

    def _records(self, unit: Unit, *, with_hashes: bool) -> Iterator[dict[str, Any]]:
        """What is known of each user, in the order of their creation; what is empty is left out."""
        system, origin = self._system, ""
        listed = accounts.listed(unit, system.sealer, Filters(), limit=None)
        while part := list(islice(listed, _TOGETHER)):
            wanted = [account.id for account in part]
            roles, permissions = accounts.roles_of(unit, wanted), accounts.permissions_of(unit, wanted)
            hashes = bulk.hashes_of(unit, system.sealer, wanted) if with_hashes else {}
            if not origin and any(each.startswith(OWN_PREFIX) for each in hashes.values()):
                origin = system.password_origin(unit)
            for account in part:
                yield _record(account, roles[account.id], permissions[account.id], hashes.get(account.id), origin)


def _record(
    account: Account, roles: list[str], permissions: list[str], hash: str | None, origin: str
) -> dict[str, Any]:
    record = {
        "username": account.name,
        "email": account.email,
        "kind": account.kind,
        "state": account.state,
        "roles": roles,
        "permissions": permissions,
        "created_at": clock.show(account.created_at),
        "last_login_at": clock.show(account.last_login_at),
        "password_hash": hash,
        "password_origin": origin if hash is not None and hash.startswith(OWN_PREFIX) else None,
    }
    return {name: value for name, value in record.items() if value}


def _csv(file: IO[str], with_hashes: bool) -> Callable[[dict[str, Any]], None]:
    columns = COLUMNS + (OF_PASSWORDS if with_hashes else ())
    writer = CsvWriter(file)
    writer.row(columns)

    def write(record: dict[str, Any]) -> None:
        cells = (record.get(column, "") for column in columns)
        writer.row([names_cell(cell) if isinstance(cell, list) else cell for cell in cells])

    return write


def _ndjson(file: IO[str]) -> Callable[[dict[str, Any]], None]:
    def write(record: dict[str, Any]) -> None:
        file.write(json.dumps(record, ensure_ascii=False) + "\n")

    return write
