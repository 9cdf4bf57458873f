"""Decides what the rows of a file do to the users there are: who is added, what changes, which rows are refused.

Rows are taken in the order of the file, a batch at a time, each against what the ones before it left.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from shopctl.auth.importing.errors import KindChanged, ServiceWithPassword, UserTwice
from shopctl.auth.importing.rows import BadRow, UserRow
from shopctl.authdb.bulk import Change, Known, NewAccount
from shopctl.authdb.errors import EmailTaken, NameTaken, RoleNotFound
from shopctl.authdb.model import InvalidName, checked_name, email_key, name_key
from shopctl.kernel.clock import Instant

Owned = Mapping[str, Collection[str]]  # by account id


@dataclass
class Stored:
    """What the database knows of the accounts that a batch may be about; it is kept in step with what is decided."""

    accounts: Iterable[Known]
    roles: Owned
    permissions: Owned
    known_roles: frozenset[str]
    origin: str  # what own hashes of this database come with
    password_differs: Callable[[Known, str], bool]
    by_name: dict[str, Known] = field(init=False)
    by_email: dict[str, Known] = field(init=False)

    def __post_init__(self) -> None:
        self.by_name = {each.name_key: each for each in self.accounts}
        self.by_email = {email_key(each.email): each for each in self.accounts if each.email is not None}


@dataclass
class Decided:
    """What a batch comes to."""

    new: list[NewAccount] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    unchanged: int = 0
    new_hashes: list[tuple[str, str, str]] = field(default_factory=list)
    """(account id, hash, its kind)"""
    changed_hashes: list[tuple[str, str, str]] = field(default_factory=list)
    given: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: {"role": [], "permission": []})
    taken: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: {"role": [], "permission": []})
    left_out: int = 0
    """Hashes that only another shop can verify."""
    ended: list[str] = field(default_factory=list)
    """Accounts that lost something: their tokens and sessions end."""


class Decider:
    """Decides about all batches of one file."""

    def __init__(self, now: Instant) -> None:
        self._now = now
        self._lines: dict[int, int] = {}  # by the hash of an account's id, which takes a third of its room

    def decide(self, row: UserRow, line: int, new_id: str, stored: Stored, decided: Decided) -> None:
        """Add to `decided` what a row does; `new_id` is taken if it adds an account. Raises BadRow."""
        if left_out := row.own_hash and row.origin != stored.origin:
            row = row._replace(hash=None)
        if row.roles and not stored.known_roles.issuperset(row.roles):
            unknown = next(role for role in row.roles if role not in stored.known_roles)
            raise BadRow("roles", RoleNotFound(name=unknown))
        found = stored.by_name.get(row.name_key) if row.name_key is not None else None
        owner = stored.by_email.get(row.email_key) if row.email_key is not None else None
        if found is None and row.name_key is None:
            found = owner
        if owner is not None and owner is not found:
            raise BadRow("email", UserTwice(line=said) if (said := self._line_of(owner)) else EmailTaken())
        if found is None:
            self._add(row, new_id, stored, decided)
            account_id = new_id
        else:
            if said := self._line_of(found):
                raise BadRow("username", UserTwice(line=said))
            self._change(row, found, stored, decided)
            account_id = found.id
        self._lines[hash(account_id)] = line
        decided.left_out += left_out

    def _line_of(self, account: Known) -> int | None:
        return self._lines.get(hash(account.id))

    def _add(self, row: UserRow, new_id: str, stored: Stored, decided: Decided) -> None:
        name, key = row.name, row.name_key
        if name is None or key is None:
            assert row.email is not None
            name, key = row.email, name_key(row.email)
            if key in stored.by_name:
                raise BadRow("email", NameTaken(name=name))
        elif "@" in name:
            try:
                checked_name(name, row.email)
            except InvalidName as why:
                raise BadRow("username", why) from None
        kind = row.kind or "person"
        account = NewAccount(
            new_id, name, key, kind, row.state or "active", row.email, row.created_at or self._now, row.last_login_at
        )
        decided.new.append(account)
        known = Known(new_id, name, key, kind, account.state, row.email)
        stored.by_name[key] = known
        if row.email_key is not None:
            stored.by_email[row.email_key] = known
        if row.hash is not None:
            decided.new_hashes.append((new_id, row.hash, row.hash_kind))
        if row.roles:
            decided.given["role"] += [(new_id, role) for role in row.roles]
        if row.permissions:
            decided.given["permission"] += [(new_id, permission) for permission in row.permissions]

    def _change(self, row: UserRow, found: Known, stored: Stored, decided: Decided) -> None:
        if row.kind is not None and row.kind != found.kind:
            raise BadRow("kind", KindChanged(name=found.name, kind=found.kind))
        if row.hash is not None and found.kind == "service":
            raise BadRow("password_hash", ServiceWithPassword())
        email_changes = row.email is not None and row.email != found.email
        disabled = row.state == "disabled" and found.state == "active"
        state_changes = row.state is not None and row.state != found.state
        hash_changes = row.hash is not None and stored.password_differs(found, row.hash)
        moved = lost = False
        for what, wanted, owned in (
            ("role", row.roles, stored.roles),
            ("permission", row.permissions, stored.permissions),
        ):
            if wanted is not None:
                had = owned.get(found.id, ())
                given = [(found.id, each) for each in wanted if each not in had]
                taken = [(found.id, each) for each in had if each not in wanted]
                decided.given[what] += given
                decided.taken[what] += taken
                moved, lost = moved or bool(given or taken), lost or bool(taken)
        if not (email_changes or state_changes or hash_changes or moved):
            decided.unchanged += 1
            return
        if hash_changes and row.hash is not None:
            decided.changed_hashes.append((found.id, row.hash, row.hash_kind))
        if disabled or hash_changes or lost:
            decided.ended.append(found.id)
        if email_changes and row.email_key is not None:
            if found.email is not None:
                stored.by_email.pop(email_key(found.email), None)
            stored.by_email[row.email_key] = found
        decided.changed.append(Change(found.id, row.state or found.state, row.email, email_changes))
