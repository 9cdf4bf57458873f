"""What is stored of users, for an import: looked up for a batch of rows, and saved as was decided."""

from __future__ import annotations

from collections.abc import Sequence

from shopctl.auth.importing.ahead import Made
from shopctl.auth.importing.deciding import Decided, Stored
from shopctl.auth.importing.rows import UserRow
from shopctl.auth.system import AuthSystem
from shopctl.authdb import accounts, bulk
from shopctl.authdb.bulk import Known
from shopctl.authdb.model import name_key
from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit

_BECAUSE = "the user was changed by an import"


class Store:
    """The users of one unit."""

    def __init__(self, system: AuthSystem, unit: Unit, now: Instant) -> None:
        self._system = system
        self._unit = unit
        self._now = now
        self._codes: dict[str, str | None] = {}
        self._hashes: dict[str, str] = {}

    def looked_up(self, rows: Sequence[UserRow], made: Sequence[Made], known_roles: frozenset[str]) -> Stored:
        """What there is of the users that a batch of rows may be about."""
        unit, system = self._unit, self._system
        names = {row.name_key or name_key(row.email or "") for row in rows}
        emails = {
            each.email_index: row.email for row, each in zip(rows, made, strict=True) if each.email_index and row.email
        }
        found = bulk.known(unit, system.sealer, names, emails)
        found_ids = [each.id for each in found]
        self._find_passwords(found, rows, made)
        return Stored(
            accounts=found,
            roles=accounts.roles_of(unit, found_ids) if found and any(row.roles is not None for row in rows) else {},
            permissions=accounts.permissions_of(unit, found_ids)
            if found and any(row.permissions is not None for row in rows)
            else {},
            known_roles=known_roles,
            origin=system.password_origin(unit) if any(row.own_hash for row in rows) else "",
            password_differs=self._password_differs,
        )

    def of_nobody(self, rows: Sequence[UserRow], known_roles: frozenset[str]) -> Stored:
        """The same where there are no users but those that the file brought."""
        origin = self._system.password_origin(self._unit) if any(row.own_hash for row in rows) else ""
        return Stored((), {}, {}, known_roles, origin, self._password_differs)

    def name_keys(self, rows: Sequence[tuple[UserRow, Made]]) -> list[str]:
        """The keys of the names of those users that rows, which were taken before, are about."""
        emails = {
            made.email_index: row.email for row, made in rows if row.name is None and row.email and made.email_index
        }
        found = bulk.known(self._unit, self._system.sealer, (), emails) if emails else []
        by_email = {each.email_index: each.name_key for each in found}
        return [row.name_key or by_email.get(made.email_index) or name_key(row.email or "") for row, made in rows]

    def save(self, decided: Decided) -> None:
        """Store what was decided."""
        unit, sealer, now = self._unit, self._system.sealer, self._now
        # What changes comes first: it may free an address that somebody new has.
        if decided.changed:
            bulk.change(unit, sealer, decided.changed, now)
        if decided.new:
            bulk.add(unit, sealer, decided.new, now)
        for passwords, new in ((decided.changed_hashes, False), (decided.new_hashes, True)):
            if passwords:
                bulk.set_passwords(unit, sealer, passwords, new=new, now=now)
        for column in ("role", "permission"):
            if taken := decided.taken[column]:
                bulk.take(unit, column, taken)
            if given := decided.given[column]:
                bulk.give(unit, column, given, now)
        if decided.ended:
            bulk.end_all(unit, decided.ended, _BECAUSE, now)

    def _find_passwords(self, found: Sequence[Known], rows: Sequence[UserRow], made: Sequence[Made]) -> None:
        """Look for what `_password_differs` needs: hashes only where the codes do not tell already."""
        brought = {row.name_key: each.code for row, each in zip(rows, made, strict=True) if row.hash is not None}
        self._codes = bulk.codes_of(self._unit, [each.id for each in found]) if found and brought else {}
        others = [
            each.id
            for each in found
            if each.id in self._codes and (self._codes[each.id] or "") != brought.get(each.name_key)
        ]
        self._hashes = bulk.hashes_of(self._unit, self._system.sealer, others) if others else {}

    def _password_differs(self, account_id: str, hashed: str, code: str | None) -> bool:
        """Whether the file brings another password than it, or `set_password`, brought before.

        A hash that was imported once is known by its code, also when a login has replaced it by one of our own, or its
        owner has chosen another password since: to bring that back would undo both.
        """
        if account_id not in self._codes:
            return True
        return self._codes[account_id] != code and self._hashes.get(account_id) != hashed
