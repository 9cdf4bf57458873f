"""Accounts: users as rows, their addresses sealed, their roles and permissions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, cast

from shopctl.authdb.errors import EmailTaken, NameTaken, StaleUser, UserNotFound
from shopctl.authdb.model import Account, Kind, State, name_key
from shopctl.kernel.clock import Instant
from shopctl.storage.sealing import Place, Sealer
from shopctl.storage.unit import Unit, json_array

TABLE, EMAIL = "account", "email"
_COLUMNS = "id, name, kind, state, email, token_epoch, version, created_at, updated_at, last_login_at"


class Filters(NamedTuple):
    """Which accounts to list; None means any."""

    kind: str | None = None
    state: str | None = None
    role: str | None = None
    inactive_since: Instant | None = None


def add(unit: Unit, sealer: Sealer, account: Account) -> None:
    """Store a new account. Raises NameTaken, EmailTaken."""
    if unit.value("select 1 from account where name_key = :key", key=name_key(account.name)):
        raise NameTaken(name=account.name)
    _check_email_free(unit, sealer, account)
    unit.execute(
        """insert into account (id, name, name_key, kind, state, email, email_index, token_epoch, version, created_at,
                                updated_at, last_login_at)
           values (:id, :name, :name_key, :kind, :state, :email, :email_index, :token_epoch, :version, :created_at,
                   :updated_at, :last_login_at)""",
        name_key=name_key(account.name),
        **account._asdict() | _sealed_email(unit, sealer, account),
    )


def save(unit: Unit, sealer: Sealer, before: Account, after: Account, *, now: Instant) -> Account:
    """Store what an account became; its version rises. Raises StaleUser, EmailTaken."""
    sealed: dict[str, Any] = {}
    if after.email != before.email:
        _check_email_free(unit, sealer, after)
        sealed = _sealed_email(unit, sealer, after)
    changed = {"state": after.state, "token_epoch": after.token_epoch, "updated_at": now, **sealed}
    done = unit.execute(
        f"""update account set version = version + 1, {", ".join(f"{name} = :{name}" for name in changed)}
             where id = :id and version = :version""",
        id=before.id,
        version=before.version,
        **changed,
    )
    if done != 1:
        raise StaleUser(name=before.name)
    return after._replace(version=before.version + 1, updated_at=now)


def find(unit: Unit, sealer: Sealer, who: str, *, lock: bool = False) -> Account | None:
    """The account of this id, name or e-mail address."""
    tail = unit.for_update if lock else ""
    row = unit.row(_Row, f"select {_COLUMNS} from account where id = :who or name_key = :key {tail}",
                   who=who, key=name_key(who))  # fmt: skip
    if row is None and "@" in who:
        for index in sealer.indexes(unit, TABLE, EMAIL, who):
            row = row or unit.row(_Row, f"select {_COLUMNS} from account where email_index = :i {tail}", i=index)
    return None if row is None else _opened(unit, sealer, row)


def need(unit: Unit, sealer: Sealer, who: str, *, lock: bool = False) -> Account:
    """The same. Raises UserNotFound."""
    found = find(unit, sealer, who, lock=lock)
    if found is None:
        raise UserNotFound(name=who)
    return found


def listed(unit: Unit, sealer: Sealer, filters: Filters, *, limit: int | None, offset: int = 0) -> Iterator[Account]:
    """Accounts in the order of their creation, as a stream."""
    where = {
        "kind": "kind = :kind",
        "state": "state = :state",
        "role": "exists (select 1 from account_role r where r.account_id = account.id and r.role = :role)",
        "inactive_since": "coalesce(last_login_at, created_at) < :inactive_since",
    }
    given = {name: value for name, value in filters._asdict().items() if value is not None}
    conditions = " and ".join(where[name] for name in given) or "1 = 1"
    sql = f"select {_COLUMNS} from account where {conditions} order by id limit :limit offset :offset"
    limit = 2**62 if limit is None else limit
    for values in unit.stream(sql, limit=limit, offset=offset, **given):
        yield _opened(unit, sealer, _Row(*values))


def is_empty(unit: Unit) -> bool:
    """Whether there is no account at all."""
    return unit.value("select 1 from account limit 1") is None


def has_owner(unit: Unit) -> bool:
    """Whether an active account has the permission `*`, by itself or through a role."""
    sql = """with recursive below (name) as (
                   select role from role_permission where permission = '*'
                    union select p.role from role_parent p join below on p.parent = below.name),
                 owner (id) as (
                   select account_id from account_permission where permission = '*'
                    union select r.account_id from account_role r join below on below.name = r.role)
             select 1 from account a join owner on owner.id = a.id where a.state = 'active' limit 1"""
    return unit.value(sql) is not None


def logged_in(unit: Unit, account_id: str, now: Instant) -> None:
    """Note the moment of a login."""
    unit.execute("update account set last_login_at = :now where id = :id", id=account_id, now=now)


def end_tokens_of(unit: Unit, account_ids: Sequence[str]) -> None:
    """Have all tokens of these accounts refused from now on: their epoch is over."""
    unit.execute(
        f"update account set token_epoch = token_epoch + 1 where id in (select value ->> 0 from {unit.each('ids')})",
        ids=json_array(account_ids),
    )


def end_all_tokens(unit: Unit) -> None:
    """Have all tokens of all accounts refused from now on."""
    unit.execute("update account set token_epoch = token_epoch + 1")


def roles_of(unit: Unit, account_ids: Sequence[str]) -> dict[str, list[str]]:
    """The roles each account was given, sorted."""
    return _grouped(unit, "account_role", "role", account_ids)


def permissions_of(unit: Unit, account_ids: Sequence[str]) -> dict[str, list[str]]:
    """The permissions each account was given by itself, sorted."""
    return _grouped(unit, "account_permission", "permission", account_ids)


def give_roles(unit: Unit, account_id: str, roles: Iterable[str], *, now: Instant) -> list[str]:
    """Give an account roles, which exist; those it did not have."""
    return _give(unit, "account_role", "role", account_id, roles, now)


def give_permissions(unit: Unit, account_id: str, permissions: Iterable[str], *, now: Instant) -> list[str]:
    """Give an account permissions; those it did not have."""
    return _give(unit, "account_permission", "permission", account_id, permissions, now)


def take_roles(unit: Unit, account_id: str, roles: Iterable[str]) -> list[str]:
    """Take roles from an account; those it had."""
    return _take(unit, "account_role", "role", account_id, roles)


def take_permissions(unit: Unit, account_id: str, permissions: Iterable[str]) -> list[str]:
    """Take permissions from an account; those it had."""
    return _take(unit, "account_permission", "permission", account_id, permissions)


class _Row(NamedTuple):
    id: str
    name: str
    kind: str
    state: str
    email: str | None
    token_epoch: int
    version: int
    created_at: int
    updated_at: int
    last_login_at: int | None


def _opened(unit: Unit, sealer: Sealer, row: _Row) -> Account:
    email = None if row.email is None else sealer.open(unit, Place(TABLE, EMAIL, row.id), row.email)
    kind, state = cast("Kind", row.kind), cast("State", row.state)
    return Account(**row._asdict() | {"email": email, "kind": kind, "state": state})


def _sealed_email(unit: Unit, sealer: Sealer, account: Account) -> dict[str, Any]:
    if account.email is None:
        return {"email": None, "email_index": None}
    return {
        "email": sealer.seal(unit, Place(TABLE, EMAIL, account.id), account.email),
        "email_index": sealer.index(unit, TABLE, EMAIL, account.email),
    }


def _check_email_free(unit: Unit, sealer: Sealer, account: Account) -> None:
    if account.email is None:
        return
    for index in sealer.indexes(unit, TABLE, EMAIL, account.email):
        taken = "select 1 from account where email_index = :index and id <> :id"
        if unit.value(taken, index=index, id=account.id):
            raise EmailTaken()


def _grouped(unit: Unit, table: str, column: str, account_ids: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {account_id: [] for account_id in account_ids}
    for account_id, value in unit.tuples(
        f"""select account_id, {column} from {table} where account_id in (select value ->> 0
              from {unit.each("ids")}) order by 1, 2""",
        ids=json_array(account_ids),
    ):
        found[account_id].append(value)
    return found


def _give(unit: Unit, table: str, column: str, account_id: str, values: Iterable[str], now: Instant) -> list[str]:
    insert = f"insert into {table} (account_id, {column}, granted_at) values (:id, :value, :now) on conflict do nothing"
    return [value for value in dict.fromkeys(values) if unit.execute(insert, id=account_id, value=value, now=now)]


def _take(unit: Unit, table: str, column: str, account_id: str, values: Iterable[str]) -> list[str]:
    delete = f"delete from {table} where account_id = :id and {column} = :value"
    return [value for value in dict.fromkeys(values) if unit.execute(delete, id=account_id, value=value)]
