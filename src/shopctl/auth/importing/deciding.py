"""Decides what the rows of a file do to the users there are: who is added, what changes, which rows are refused.

Rows are taken in the order of the file, a batch at a time, each against what the ones before it left.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from shopctl.auth.importing.ahead import Made
from shopctl.auth.importing.errors import KindChanged, ServiceWithPassword, UserTwice
from shopctl.auth.importing.rows import BadRow, UserRow
from shopctl.authdb.bulk import Change, Known, NewAccount, NewPassword
from shopctl.authdb.errors import EmailTaken, NameTaken, RoleNotFound
from shopctl.authdb.model import InvalidName, checked_name, name_key
from shopctl.kernel.clock import Instant
from shopctl.records.met import Met

Owned = Mapping[str, Collection[str]]  # by account id


@dataclass
class Stored:
    """What the database knows of the accounts that a batch may be about; it is kept in step with what is decided."""

    accounts: Iterable[Known]
    roles: Owned
    permissions: Owned
    known_roles: frozenset[str]
    origin: str  # what own hashes of this database come with; empty where no row has an own hash
    password_differs: Callable[[str, str, str | None], bool]
    """Whether the account has another password than this hash, whose code it is given too."""
    by_name: dict[str, Known | NewAccount] = field(init=False)
    by_email: dict[str, Known | NewAccount] = field(init=False)
    """By blind index."""

    def __post_init__(self) -> None:
        self.by_name = {each.name_key: each for each in self.accounts}
        self.by_email = {each.email_index: each for each in self.accounts if each.email_index is not None}


@dataclass
class Decided:
    """What a batch comes to."""

    new: list[NewAccount] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    unchanged: int = 0
    new_hashes: list[NewPassword] = field(default_factory=list)
    changed_hashes: list[NewPassword] = field(default_factory=list)
    given: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: {"role": [], "permission": []})
    taken: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: {"role": [], "permission": []})
    left_out: int = 0
    """Hashes that only another shop can verify."""
    ended: list[str] = field(default_factory=list)
    """Accounts that lost something: their tokens and sessions end."""


class Decider:
    """Decides about all batches of one file, and remembers which users it named so far.

    `first`: into a database without users, where all there is comes from the file, and nothing has to be looked up.
    """

    def __init__(self, now: Instant, *, first: bool = False) -> None:
        self.first = first
        self._now = now
        self._met = Met()  # by the keys of their names
        self._addresses = Met() if first else None

    def decide(self, row: UserRow, made: Made, line: int, stored: Stored, decided: Decided) -> None:
        """Add to `decided` what a row does. Raises BadRow."""
        if left_out := bool(stored.origin) and row.own_hash and row.origin != stored.origin:
            row = row._replace(hash=None)
        if row.roles and not stored.known_roles.issuperset(row.roles):
            unknown = next(role for role in row.roles if role not in stored.known_roles)
            raise BadRow("roles", RoleNotFound(name=unknown))
        if self._addresses is not None:
            self._check_new(row, made, self._addresses)
            self._met.add(self._add(row, made, stored, decided), line)
            if made.email_index is not None:
                self._addresses.add(made.email_index, line)
            decided.left_out += left_out
            return
        found = stored.by_name.get(row.name_key) if row.name_key is not None else None
        owner = stored.by_email.get(made.email_index) if made.email_index is not None else None
        if found is None and row.name_key is None:
            found = owner
        if owner is not None and owner is not found:
            raise BadRow("email", UserTwice(line=said) if (said := self._met.line_of(owner.name_key)) else EmailTaken())
        if found is None:
            key = self._add(row, made, stored, decided)
        else:
            key = found.name_key
            if said := self._met.line_of(key):
                raise BadRow("username", UserTwice(line=said))
            self._change(row, made, found, stored, decided)
        self._met.add(key, line)
        decided.left_out += left_out

    def recall(self, key: str, line: int) -> None:
        """Know that an earlier attempt took this line, which is about the user of this name's key."""
        self._met.add(key, line)

    def _check_new(self, row: UserRow, made: Made, addresses: Met) -> None:
        """Refuse a row about a user whom an earlier one has added."""
        of_name = None if row.name_key is None else self._met.line_of(row.name_key)
        of_address = None if made.email_index is None else addresses.line_of(made.email_index)
        if of_address and of_address != of_name and row.name_key is not None:
            raise BadRow("email", UserTwice(line=of_address))
        if said := of_name or of_address:
            raise BadRow("username", UserTwice(line=said))
        if row.name_key is None and row.email is not None and self._met.line_of(name_key(row.email)):
            raise BadRow("email", NameTaken(name=row.email))

    def _add(self, row: UserRow, made: Made, stored: Stored, decided: Decided) -> str:
        """Add an account; the key of its name."""
        name, key, new_id = row.name, row.name_key, made.new_id
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
        account = NewAccount(
            new_id, name, key, row.kind or "person", row.state or "active", row.email, made.email_index,
            row.created_at or self._now, row.last_login_at, made.sealed_email,
        )  # fmt: skip
        decided.new.append(account)
        stored.by_name[key] = account
        if made.email_index is not None:
            stored.by_email[made.email_index] = account
        if row.hash is not None:
            decided.new_hashes.append(NewPassword(new_id, row.hash, row.hash_kind, made.code or "", made.sealed_hash))
        for role in row.roles or ():
            decided.given["role"].append((new_id, role))
        for permission in row.permissions or ():
            decided.given["permission"].append((new_id, permission))
        return key

    def _change(self, row: UserRow, made: Made, found: Known | NewAccount, stored: Stored, decided: Decided) -> None:
        if row.kind is not None and row.kind != found.kind:
            raise BadRow("kind", KindChanged(name=found.name, kind=found.kind))
        if row.hash is not None and found.kind == "service":
            raise BadRow("password_hash", ServiceWithPassword())
        email_changes = row.email is not None and row.email != found.email
        disabled = row.state == "disabled" and found.state == "active"
        state_changes = row.state is not None and row.state != found.state
        hash_changes = row.hash is not None and stored.password_differs(found.id, row.hash, made.code)
        moved = lost = False
        for what, wanted, owned in (
            ("role", row.roles, stored.roles),
            ("permission", row.permissions, stored.permissions),
        ):
            if wanted is None or set(wanted) == set(had := owned.get(found.id, ())):
                continue
            taken = [(found.id, each) for each in had if each not in wanted]
            decided.given[what] += [(found.id, each) for each in wanted if each not in had]
            decided.taken[what] += taken
            moved, lost = True, lost or bool(taken)
        if not (email_changes or state_changes or hash_changes or moved):
            decided.unchanged += 1
            return
        if hash_changes and row.hash is not None:
            decided.changed_hashes.append(NewPassword(found.id, row.hash, row.hash_kind, made.code or ""))
        if disabled or hash_changes or lost:
            decided.ended.append(found.id)
        if email_changes and made.email_index is not None:
            if found.email_index is not None:
                stored.by_email.pop(found.email_index, None)
            stored.by_email[made.email_index] = found
        decided.changed.append(Change(found.id, row.state or found.state, row.email, made.email_index, email_changes))
