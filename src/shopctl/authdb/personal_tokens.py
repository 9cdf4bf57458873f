"""Personal tokens: what users made for their programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit


class PersonalToken(NamedTuple):
    """A personal token as stored; only the HMAC of the token itself is kept."""

    id: str
    hmac: str
    account_id: str
    name: str
    scope: str
    token_epoch: int
    created_at: Instant
    expires_at: Instant
    last_used_at: Instant | None
    revoked_at: Instant | None


_COLUMNS = ", ".join(PersonalToken._fields)


def add(unit: Unit, token: PersonalToken) -> None:
    """Store a new token."""
    values = ", ".join(f":{name}" for name in PersonalToken._fields)
    unit.execute(f"insert into personal_token ({_COLUMNS}) values ({values})", **token._asdict())


def find(unit: Unit, hmac: str) -> PersonalToken | None:
    """The token of that code."""
    return unit.row(PersonalToken, f"select {_COLUMNS} from personal_token where hmac = :hmac", hmac=hmac)


def revoke(unit: Unit, token_id: str, now: Instant) -> bool | None:
    """Have a token refused from now on; whether it stood until now, None when there is none of that id."""
    if unit.value("select 1 from personal_token where id = :id", id=token_id) is None:
        return None
    sql = "update personal_token set revoked_at = :now where id = :id and revoked_at is null"
    return unit.execute(sql, id=token_id, now=now) == 1


def used(unit: Unit, token_id: str, now: Instant) -> None:
    """Note the moment of a use."""
    unit.execute("update personal_token set last_used_at = :now where id = :id", id=token_id, now=now)


def listed(unit: Unit, account_id: str | None, now: Instant) -> Iterator[PersonalToken]:
    """Tokens that are good by their time, newest first; those of one account where it is given."""
    where = "account_id = :account_id" if account_id is not None else "cast(:account_id as text) is null"
    sql = f"select {_COLUMNS} from personal_token where {where} and expires_at > :now order by id desc"
    yield from unit.rows(PersonalToken, sql, account_id=account_id, now=now)
