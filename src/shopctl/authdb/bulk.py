"""Many accounts at once: looked up, added and changed a batch at a time, whose cost does not grow with the table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from shopctl.authdb.accounts import EMAIL, TABLE, end_tokens_of
from shopctl.authdb.credentials import HASH, PASSWORD
from shopctl.authdb.model import Kind, State
from shopctl.kernel.clock import Instant
from shopctl.storage.sealing import Place, Sealer
from shopctl.storage.unit import Unit, json_array


class Known(NamedTuple):
    """An account that is there; its address opened."""

    id: str
    name: str
    name_key: str
    kind: str
    state: str
    email: str | None


class Password(NamedTuple):
    """The password of an account: its hash, sealed, and the code of the hash that a file brought last."""

    account_id: str
    sealed: str
    imported: str | None


class NewAccount(NamedTuple):
    """An account to be added."""

    id: str
    name: str
    name_key: str
    kind: Kind
    state: State
    email: str | None
    created_at: Instant
    last_login_at: Instant | None


class Change(NamedTuple):
    """What an account becomes: its state, and its address where that changes."""

    id: str
    state: str
    email: str | None
    email_changes: bool


class NewPassword(NamedTuple):
    """A hash to be stored, and the code by which it is known again."""

    account_id: str
    hash: str
    kind: str
    imported: str


FILLED = (PASSWORD, "account_role", "account_permission")
"""The tables that an import fills beside `account`, which too much refers to for its keys to be set aside."""

Pairs = Sequence[tuple[str, str]]  # (account id, role or permission)
Seal = Callable[[Iterable[tuple[str, str]]], list[str]]
Indexes = Mapping[str, str]  # the blind index of each address

T = TypeVar("T")

_SEALED_TOGETHER = 500
_ACCOUNT = (*NewAccount._fields, "email_index")
_KNOWN = "id, name, name_key, kind, state, email"


def known(unit: Unit, sealer: Sealer, name_keys: Sequence[str], emails: Sequence[str]) -> tuple[list[Known], Indexes]:
    """The accounts that have one of these names or addresses, kept from other writers until the unit ends.

    With them come the indexes under which these addresses are stored in this unit.
    """
    found: dict[str, Known] = {}
    of_keys = sealer.indexes_all(unit, TABLE, EMAIL, emails) if emails else []
    wanted = [("name_key", name_keys), *(("email_index", indexes) for indexes in of_keys)]
    for column, values in wanted:
        sql = f"""select {_KNOWN} from account where {column} in (select value ->> 0 from {unit.each("wanted")})
                   order by id {unit.for_update}"""
        for row in unit.rows(Known, sql, wanted=json_array(values)):
            if row.id not in found:
                sealed = row.email
                opened = None if sealed is None else sealer.open(unit, Place(TABLE, EMAIL, row.id), sealed)
                found[row.id] = row._replace(email=opened)
    return [*found.values()], dict(zip(emails, of_keys[0], strict=True)) if emails else {}


def passwords_of(unit: Unit, account_ids: Sequence[str]) -> dict[str, Password]:
    """The passwords of those accounts that have one."""
    sql = f"""select account_id, hash, imported from password
               where account_id in (select value ->> 0 from {unit.each("ids")})"""
    return {row.account_id: row for row in unit.rows(Password, sql, ids=json_array(account_ids))}


def opened_hash(unit: Unit, sealer: Sealer, password: Password) -> str:
    """The hash of a password."""
    return sealer.open(unit, Place(PASSWORD, HASH, password.account_id), password.sealed)


def add(unit: Unit, sealer: Sealer, accounts: Sequence[NewAccount], indexes: Indexes, now: Instant) -> None:
    """Store new accounts, whose names and addresses are free. Raises ConstraintBroken where they are not."""
    # What many have in common goes in with the statement, not with each row.
    alike: dict[tuple[str, str, bool, bool], list[NewAccount]] = {}
    for each in accounts:
        alike.setdefault((each.kind, each.state, each.email is None, each.last_login_at is None), []).append(each)
    for (kind, state, without_email, never), group in alike.items():
        same: dict[str, int | str | None] = {"kind": kind, "state": state, "token_epoch": 1, "version": 1}
        same |= {"email": None, "email_index": None} if without_email else {}
        same |= {"last_login_at": None} if never else {}
        columns = [column for column in _ACCOUNT if column not in same]
        rows = _account_rows(sealer.seals(unit, TABLE, EMAIL), group, columns, indexes)
        unit.insert_many(TABLE, columns, rows, constants=same | {"updated_at": now})


def _account_rows(
    seal: Seal, accounts: Sequence[NewAccount], columns: Sequence[str], indexes: Indexes
) -> Iterator[tuple[object, ...]]:
    """Rows, sealed while the ones before them are on their way."""
    for part in _parts(accounts):
        values: dict[str, Iterable[object]] = dict(zip(NewAccount._fields, zip(*part, strict=True), strict=True))
        if EMAIL in columns:
            values[EMAIL], values["email_index"] = _sealed_emails(seal, part, indexes)
        yield from zip(*(values[column] for column in columns), strict=True)


def change(unit: Unit, sealer: Sealer, changes: Sequence[Change], indexes: Indexes, now: Instant) -> None:
    """Store what accounts become; their versions rise. An address may pass from one of them to another."""
    moving = [each for each in changes if each.email_changes]
    if moving:
        moved = [each.id for each in moving]
        unit.execute(
            f"""update account set email = null, email_index = null
                 where id in (select value ->> 0 from {unit.each("ids")})""",
            ids=json_array(moved),
        )
        cells = zip(moved, *_sealed_emails(sealer.seals(unit, TABLE, EMAIL), moving, indexes), strict=True)
        unit.execute(
            f"""update account set email = v.email, email_index = v.email_index
                  from (select value ->> 0 as id, value ->> 1 as email, value ->> 2 as email_index
                          from {unit.each("rows")}) v where account.id = v.id""",
            rows=_json(cells),
        )
    unit.execute(
        f"""update account set state = v.state, version = version + 1, updated_at = :now
              from (select value ->> 0 as id, value ->> 1 as state from {unit.each("rows")}) v
             where account.id = v.id""",
        rows=_json([each.id, each.state] for each in changes),
        now=now,
    )


def set_passwords(unit: Unit, sealer: Sealer, passwords: Sequence[NewPassword], *, new: bool, now: Instant) -> None:
    """Store hashes; `new`: of accounts that have none."""
    if not new:
        unit.execute(
            f"delete from password where account_id in (select value ->> 0 from {unit.each('ids')})",
            ids=json_array(each.account_id for each in passwords),
        )
    columns = ("account_id", "hash", "kind", "imported")
    rows = _password_rows(sealer.seals(unit, PASSWORD, HASH), passwords)
    unit.insert_many(PASSWORD, columns, rows, constants={"changed_at": now, "is_short": 0})


def _password_rows(seal: Seal, passwords: Sequence[NewPassword]) -> Iterator[tuple[str, ...]]:
    for part in _parts(passwords):
        cells = seal((each.account_id, each.hash) for each in part)
        yield from ((each.account_id, cell, each.kind, each.imported) for each, cell in zip(part, cells, strict=True))


def give(unit: Unit, column: str, pairs: Pairs, now: Instant) -> None:
    """Give accounts roles or permissions (`column`) that they do not have."""
    unit.insert_many(f"account_{column}", ("account_id", column), pairs, constants={"granted_at": now})


def take(unit: Unit, column: str, pairs: Pairs) -> None:
    """Take roles or permissions (`column`) from accounts."""
    unit.execute(
        f"""delete from account_{column} where (account_id, {column}) in
              (select value ->> 0, value ->> 1 from {unit.each("pairs")})""",
        pairs=_json(pairs),
    )


def end_all(unit: Unit, account_ids: Sequence[str], because: str, now: Instant) -> None:
    """Have all tokens of these accounts refused from now on, and end their sessions."""
    end_tokens_of(unit, account_ids)
    unit.execute(
        f"""update session set ended_at = :now, ended_because = :because
             where account_id in (select value ->> 0 from {unit.each("ids")})
               and ended_at is null and expires_at > :now""",
        ids=json_array(account_ids),
        because=because,
        now=now,
    )


def _sealed_emails(
    seal: Seal, accounts: Sequence[NewAccount | Change], indexes: Indexes
) -> tuple[list[str], list[str]]:
    """The addresses of accounts that all have one, sealed, and their blind indexes."""
    given = [(each.id, each.email) for each in accounts if each.email is not None]
    return seal(given), [indexes[email] for _, email in given]


def _parts(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    return (rows[start : start + _SEALED_TOGETHER] for start in range(0, len(rows), _SEALED_TOGETHER))


def _json(rows: Iterable[Sequence[object]]) -> str:
    return json.dumps([list(row) for row in rows], ensure_ascii=False, separators=(",", ":"))
