"""What the rows of a file make of the customers there are: new ones, changed ones, and rows that cannot be taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from shopctl.customers.checks import Wrong
from shopctl.customers.model import Profile
from shopctl.customers.ports import Users
from shopctl.customers.queries import Customers
from shopctl.customers.rows import Said, applied, said, without_cards
from shopctl.kernel import ids
from shopctl.kernel.clock import Clock
from shopctl.kernel.email import email_key
from shopctl.kernel.errors import NotFound
from shopctl.records.reading import Row
from shopctl.records.rejects import Reject
from shopctl.storage.sealing import Sealer
from shopctl.storage.unit import Unit


@dataclass
class Decided:
    """What a batch comes to: (before, after) of the customers that differ, and the rejects in their order."""

    changes: list[tuple[Profile | None, Profile]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    named: set[int] = field(default_factory=set)  # see `Deciding`

    @property
    def created(self) -> int:
        """How many are new."""
        return sum(before is None for before, _ in self.changes)

    @property
    def updated(self) -> int:
        """How many were there and differ."""
        return len(self.changes) - self.created


class Deciding:
    """Decides one batch of a file after another, and remembers whom its rows named: a customer has one row.

    What is remembered are hashes of 64 bits, about 80 bytes each.
    """

    def __init__(self, sealer: Sealer, users: Users, clock: Clock) -> None:
        self._sealer = sealer
        self._users = users
        self._clock = clock
        self._user_ids: dict[str, str] = {}
        self._named: set[int] = set()

    def decide(self, unit: Unit, batch: Sequence[Row | Reject], *, lock: bool = False) -> Decided:
        """Compare a batch with what is stored; the same batch may be decided again until it is `done`."""
        decided = Decided()
        rows: list[tuple[Row, Said]] = []
        for record in batch:
            if isinstance(record, Reject):
                cells = {str(number): cell for number, cell in enumerate(record.cells)}
                decided.rejects.append(without_cards(record, cells))
                continue
            try:
                rows.append((record, self._said(record)))
            except Wrong as wrong:
                decided.rejects.append(_reject(record, wrong))
        self._compare(Customers(unit, self._sealer), rows, decided, lock)
        decided.rejects.sort(key=lambda reject: reject.line)
        return decided

    def done(self, decided: Decided) -> None:
        """Remember whom a batch named."""
        self._named |= decided.named

    def _said(self, record: Row) -> Said:
        user = record.values.get("user", "").strip()
        if not user or ids.prefix_of(user) == "usr":
            return said(record.values)
        if user not in self._user_ids:
            try:
                self._user_ids[user] = self._users(user)
            except NotFound:
                raise Wrong("user", "user.unknown", "there is no such user") from None
        return said({**record.values, "user": self._user_ids[user]})

    def _compare(self, customers: Customers, rows: Sequence[tuple[Row, Said]], decided: Decided, lock: bool) -> None:
        owners = customers.ids_by_email(row.email for _, row in rows if row.email)
        users = customers.ids_by_user(user for _, row in rows if (user := row.contact.get("user_id")))
        wanted = {row.id or _owner(row, owners) for _, row in rows} - {None}
        present = customers.by_ids([each for each in wanted if each], lock=lock)
        now = self._clock.now()
        for record, row in rows:
            owner = _owner(row, owners)
            customer_id = row.id or owner or ids.new("cus")
            before = present.get(customer_id)
            try:
                self._check_named_once(row, customer_id, decided, known=owner == customer_id)
                _check_free(row, customer_id, before, owner, users)
                after = applied(row, before, customer_id=customer_id, now=now)
            except Wrong as wrong:
                decided.rejects.append(_reject(record, wrong))
                continue
            if before is None:
                decided.changes.append((None, after))
            elif after != before:
                customer = after.customer._replace(version=before.customer.version + 1, updated_at=now)
                decided.changes.append((before, after._replace(customer=customer)))

    def _check_named_once(self, row: Said, customer_id: str, decided: Decided, *, known: bool) -> None:
        # An address that is stored as this customer's leads to his id anyway.
        user = row.contact.get("user_id")
        names = [("customer_id", customer_id)]
        names += [("email", email_key(row.email))] if row.email and not known else []
        names += [("user", user)] if user else []
        for name in names:
            if hash(name) in self._named or hash(name) in decided.named:
                raise Wrong(name[0], "row.again", "an earlier row of this file is about the same one")
        decided.named.update(map(hash, names))


def _owner(row: Said, owners: dict[str, str]) -> str | None:
    return owners.get(email_key(row.email)) if row.email else None


def _check_free(row: Said, customer_id: str, before: Profile | None, owner: str | None, users: dict[str, str]) -> None:
    if before is not None and before.customer.state == "erased":
        raise Wrong("customer_id", "customer.was_erased", "this customer was erased and takes nothing any more")
    if owner not in (None, customer_id):
        raise Wrong("email", "email.taken", f"customer {owner} has this e-mail address already")
    user = row.contact.get("user_id")
    if user and users.get(user, customer_id) != customer_id:
        raise Wrong("user", "user.taken", f"that user is linked to customer {users[user]} already")


def _reject(record: Row, wrong: Wrong) -> Reject:
    return without_cards(record.reject(wrong.field, wrong.code, wrong.message), record.values)
