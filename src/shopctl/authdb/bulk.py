"""Many accounts at once: looked up, added and changed a batch at a time, whose cost does not grow with the table."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

from shopctl.authdb.accounts import EMAIL, TABLE, end_tokens_of
from shopctl.authdb.credentials import HASH, PASSWORD
from shopctl.authdb.model import Kind, State
from shopctl.kernel.clock import Instant
from shopctl.storage.database import Database
from shopctl.storage.errors import ConstraintBroken
from shopctl.storage.sealing import Sealer
from shopctl.storage.unit import Unit, json_array


class Known(NamedTuple):
    """An account that is there; its address is opened where somebody asks for this very address."""

    id: str
    name: str
    name_key: str
    kind: str
    state: str
    email: str | None
    email_index: str | None


class NewAccount(NamedTuple):
    """An account to be added; its address is sealed here where `sealed_email` is not there yet."""

    id: str
    name: str
    name_key: str
    kind: Kind
    state: State
    email: str | None
    email_index: str | None
    created_at: Instant
    last_login_at: Instant | None
    sealed_email: str | None = None


class Change(NamedTuple):
    """What an account becomes: its state, and its address where that changes."""

    id: str
    state: str
    email: str | None
    email_index: str | None
    email_changes: bool


class NewPassword(NamedTuple):
    """A hash to be stored, and the code by which it is known again; it is sealed here where it is not yet."""

    account_id: str
    hash: str
    kind: str
    imported: str
    sealed: str | None = None


_FILLED = (PASSWORD, "account_role", "account_permission")

Pairs = Sequence[tuple[str, str]]  # (account id, role or permission)
Seal = Callable[[Iterable[tuple[str, str]]], list[str]]

T = TypeVar("T")

_SEALED_TOGETHER = 500
_ACCOUNT = ("id", "name", "name_key", "kind", "state", EMAIL, "email_index", "created_at", "last_login_at")
_EMAIL, _INDEX = map(Known._fields.index, (EMAIL, "email_index"))
_PASSWORD = ("account_id", HASH, "kind", "imported")


@contextmanager
def first_load(database: Database) -> Iterator[Unit]:
    """The unit of a first import: that its names and addresses are unique is checked at its end.

    The primary key of `account` stays where it is, for too much refers to it.
    """
    with (
        database.first_load(_FILLED) as unit,
        unit.unique_later(TABLE, "name_key") as names_are,
        unit.unique_later(TABLE, "email_index") as emails_are,
    ):
        yield unit
        if not (names_are() and emails_are()):
            raise ConstraintBroken(reason="names or addresses stand in it twice")


def known(unit: Unit, sealer: Sealer, name_keys: Collection[str], emails: Mapping[str, str]) -> list[Known]:
    """The accounts that have one of these names or addresses, kept from other writers until a write unit ends.

    `emails` are addresses by their blind indexes; what is found has the index that is given here, also where a reseal
    has yet to replace another.
    """
    found = _accounts_with(unit, "name_key", name_keys)
    # Whoever has been found by name need not be found by address once more.
    found |= _accounts_with(unit, "email_index", emails.keys() - {row[_INDEX] for row in found.values()})
    current: dict[str, str] = {}  # of indexes that a reseal is about to replace
    for former in sealer.former_indexes(unit, TABLE, EMAIL, [*emails.values()]):
        current |= zip(former, emails, strict=True)
        found |= _accounts_with(unit, "email_index", former)
    rows = [(*row[:_INDEX], current.get(row[_INDEX], row[_INDEX])) for row in found.values()]
    cells = [(row[0], row[_EMAIL]) for row in rows if row[_INDEX] in emails]
    opened = dict(zip((owner for owner, _ in cells), sealer.open_all(unit, TABLE, EMAIL, cells), strict=True))
    return [Known._make((*row[:_EMAIL], opened.get(row[0]), row[_INDEX])) for row in rows]


def _accounts_with(unit: Unit, column: str, values: Collection[str]) -> dict[str, tuple[Any, ...]]:
    """Rows of `Known` by id, their addresses as they are stored."""
    if not values:
        return {}
    sql = f"""select {", ".join(Known._fields)} from account
               where {column} in (select value ->> 0 from {unit.each("wanted")})
               order by id {unit.for_update if unit.writes else ""}"""
    return {row[0]: row for row in unit.tuples(sql, wanted=json_array(values))}


def codes_of(unit: Unit, account_ids: Sequence[str]) -> dict[str, str | None]:
    """Of those accounts that have a password the code of the hash that a file brought last."""
    sql = f"""select account_id, imported from password
               where account_id in (select value ->> 0 from {unit.each("ids")})"""
    return dict(unit.tuples(sql, ids=json_array(account_ids)))


def hashes_of(unit: Unit, sealer: Sealer, account_ids: Sequence[str]) -> dict[str, str]:
    """The hashes of those accounts that have a password."""
    sql = f"""select account_id, hash from password
               where account_id in (select value ->> 0 from {unit.each("ids")})"""
    cells = unit.tuples(sql, ids=json_array(account_ids))
    return dict(zip((owner for owner, _ in cells), sealer.open_all(unit, PASSWORD, HASH, cells), strict=True))


def add(unit: Unit, sealer: Sealer, accounts: Sequence[NewAccount], now: Instant) -> None:
    """Store new accounts, whose names and addresses are free. Raises ConstraintBroken where they are not."""
    # What many have in common goes in with the statement, not with each row.
    alike: dict[tuple[str, str, bool, bool], list[NewAccount]] = {}
    for each in accounts:
        alike.setdefault((each.kind, each.state, each.email is None, each.last_login_at is None), []).append(each)
    seal = sealer.seals(unit, TABLE, EMAIL)
    for (kind, state, without_email, never), group in alike.items():
        same: dict[str, int | str | None] = {"kind": kind, "state": state, "token_epoch": 1, "version": 1}
        same |= {EMAIL: None, "email_index": None} if without_email else {}
        same |= {"last_login_at": None} if never else {}
        columns = [column for column in _ACCOUNT if column not in same]
        unit.insert_many(TABLE, columns, _account_rows(seal, group, columns), constants=same | {"updated_at": now})


def _account_rows(seal: Seal, accounts: Sequence[NewAccount], columns: Sequence[str]) -> Iterator[tuple[object, ...]]:
    """Rows, sealed while the ones before them are on their way."""
    for part in _parts(accounts):
        values: dict[str, Iterable[object]] = dict(zip(NewAccount._fields, zip(*part, strict=True), strict=True))
        if EMAIL in columns:
            values[EMAIL] = _sealed(seal, [(each.id, each.email, each.sealed_email) for each in part])
        yield from zip(*(values[column] for column in columns), strict=True)


def change(unit: Unit, sealer: Sealer, changes: Sequence[Change], now: Instant) -> None:
    """Store what accounts become; their versions rise. An address may pass from one of them to another."""
    moving = [each for each in changes if each.email_changes]
    if moving:
        moved = [each.id for each in moving]
        unit.execute(
            f"""update account set email = null, email_index = null
                 where id in (select value ->> 0 from {unit.each("ids")})""",
            ids=json_array(moved),
        )
        sealed = _sealed(sealer.seals(unit, TABLE, EMAIL), [(each.id, each.email, None) for each in moving])
        unit.execute(
            f"""update account set email = v.email, email_index = v.email_index
                  from (select value ->> 0 as id, value ->> 1 as email, value ->> 2 as email_index
                          from {unit.each("rows")}) v where account.id = v.id""",
            rows=_json(zip(moved, sealed, (each.email_index for each in moving), strict=True)),
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
    rows = _password_rows(sealer.seals(unit, PASSWORD, HASH), passwords)
    unit.insert_many(PASSWORD, _PASSWORD, rows, constants={"changed_at": now, "is_short": 0})


def _password_rows(seal: Seal, passwords: Sequence[NewPassword]) -> Iterator[tuple[str, ...]]:
    for part in _parts(passwords):
        cells = _sealed(seal, [(each.account_id, each.hash, each.sealed) for each in part])
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


def _sealed(seal: Seal, texts: Sequence[tuple[str, str | None, str | None]]) -> list[str]:
    """The cells of texts given as (row, text, cell if there is one already)."""
    made = iter(seal((row, text) for row, text, cell in texts if cell is None and text is not None))
    return [cell or next(made) for _, _, cell in texts]


def _parts(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    return (rows[start : start + _SEALED_TOGETHER] for start in range(0, len(rows), _SEALED_TOGETHER))


def _json(rows: Iterable[Sequence[object]]) -> str:
    return json.dumps([list(row) for row in rows], ensure_ascii=False, separators=(",", ":"))
