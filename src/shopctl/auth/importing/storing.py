"""What is stored of users, for an import: looked up for a batch of rows, and saved as was decided."""

from __future__ import annotations

from collections.abc import Sequence

from shopctl.auth.importing.deciding import Decided, Stored
from shopctl.auth.importing.rows import UserRow
from shopctl.auth.system import AuthSystem
from shopctl.authdb import accounts, bulk
from shopctl.authdb.bulk import Indexes, Known, NewPassword, Password
from shopctl.authdb.model import name_key
from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit

_PURPOSE = "imported hash"
_BECAUSE = "the user was changed by an import"


class Store:
    """The users of one unit."""

    def __init__(self, system: AuthSystem, unit: Unit, now: Instant) -> None:
        self._system = system
        self._unit = unit
        self._now = now
        self._codes: dict[str, str] = {}
        self._indexes: Indexes = {}
        self._passwords: dict[str, Password] = {}

    def looked_up(self, rows: Sequence[UserRow], known_roles: frozenset[str]) -> Stored:
        """What there is of the users that a batch of rows may be about."""
        unit, system = self._unit, self._system
        names = {row.name_key or name_key(row.email or "") for row in rows}
        emails = [row.email for row in rows if row.email is not None]
        found, self._indexes = bulk.known(unit, system.sealer, sorted(names), emails)
        found_ids = [each.id for each in found]
        hashes = [row.hash for row in rows if row.hash is not None]
        self._codes = dict(zip(hashes, system.codes(unit, _PURPOSE, hashes), strict=True))
        self._passwords = bulk.passwords_of(unit, found_ids) if found and hashes else {}
        return Stored(
            accounts=found,
            roles=accounts.roles_of(unit, found_ids) if found else {},
            permissions=accounts.permissions_of(unit, found_ids) if found else {},
            known_roles=known_roles,
            origin=system.password_origin(unit) if any(row.own_hash for row in rows) else "",
            password_differs=self._password_differs,
        )

    def save(self, decided: Decided) -> None:
        """Store what was decided."""
        unit, sealer, now = self._unit, self._system.sealer, self._now
        # What changes comes first: it may free an address that somebody new has.
        if decided.changed:
            bulk.change(unit, sealer, decided.changed, self._indexes, now)
        if decided.new:
            bulk.add(unit, sealer, decided.new, self._indexes, now)
        for hashes, new in ((decided.changed_hashes, False), (decided.new_hashes, True)):
            if hashes:
                passwords = [NewPassword(owner, text, kind, self._codes[text]) for owner, text, kind in hashes]
                bulk.set_passwords(unit, sealer, passwords, new=new, now=now)
        for column in ("role", "permission"):
            if taken := decided.taken[column]:
                bulk.take(unit, column, taken)
            if given := decided.given[column]:
                bulk.give(unit, column, given, now)
        if decided.ended:
            bulk.end_all(unit, decided.ended, _BECAUSE, now)

    def _password_differs(self, account: Known, hashed: str) -> bool:
        """Whether the file brings another password than it, or `set_password`, brought before.

        A hash that was imported once is known by its code, also when a login has replaced it by one of our own, or its
        owner has chosen another password since: to bring that back would undo both.
        """
        password = self._passwords.get(account.id)
        if password is None:
            return True
        if password.imported is not None and password.imported == self._codes[hashed]:
            return False
        return bulk.opened_hash(self._unit, self._system.sealer, password) != hashed
