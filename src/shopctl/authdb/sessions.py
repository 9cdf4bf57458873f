"""Sessions, the refresh tokens of their families, and the records of access tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit


class Session(NamedTuple):
    """One login."""

    id: str
    account_id: str
    methods: str
    source_index: str
    scope: str
    audience: str
    created_at: Instant
    expires_at: Instant
    ended_at: Instant | None
    ended_because: str | None


class Refresh(NamedTuple):
    """A refresh token."""

    hmac: str
    session_id: str
    issued_at: Instant
    expires_at: Instant
    used_at: Instant | None


class Issued(NamedTuple):
    """The record of an access token."""

    jti: str
    account_id: str
    session_id: str | None
    kid: str
    token_epoch: int
    issued_at: Instant
    expires_at: Instant
    revoked_at: Instant | None = None


class Standing(NamedTuple):
    """What decides whether a token still stands: its own record, its session and its account."""

    account_id: str
    token_epoch: int
    revoked_at: Instant | None
    session_ended_at: Instant | None
    state: str
    epoch_now: int
    name: str


_SESSION = ", ".join(Session._fields)
_ISSUED = "jti, account_id, session_id, kid, token_epoch, issued_at, expires_at"


def begin(unit: Unit, session: Session) -> None:
    """Store a new session."""
    unit.execute(
        f"insert into session ({_SESSION}) values ({', '.join(f':{name}' for name in Session._fields)})",
        **session._asdict(),
    )


def locked(unit: Unit, session_id: str) -> Session | None:
    """A session, kept from other writers, so that no refresh passes a revocation."""
    return unit.row(Session, f"select {_SESSION} from session where id = :id {unit.for_update}", id=session_id)


def expiry(unit: Unit, session_id: str) -> Instant | None:
    """When a session ends at the latest; None for one that is not there."""
    ends: Instant | None = unit.value("select expires_at from session where id = :id", id=session_id)
    return ends


def end(unit: Unit, session_id: str, because: str, now: Instant) -> bool:
    """End a session; whether it was still going on."""
    sql = "update session set ended_at = :now, ended_because = :because where id = :id and ended_at is null"
    return unit.execute(sql, id=session_id, because=because, now=now) == 1


def end_all_of(unit: Unit, account_id: str, because: str, now: Instant) -> int:
    """End all sessions of an account that nobody has ended; how many there were.

    Also those that have expired: the clock may be ahead, and they would go on once it is set right.
    """
    sql = """update session set ended_at = :now, ended_because = :because
              where account_id = :account_id and ended_at is null"""
    return unit.execute(sql, account_id=account_id, because=because, now=now)


def end_all(unit: Unit, because: str, now: Instant) -> int:
    """End every session that nobody has ended; how many there were."""
    sql = "update session set ended_at = :now, ended_because = :because where ended_at is null"
    return unit.execute(sql, because=because, now=now)


def add_refresh(unit: Unit, refresh: Refresh) -> None:
    """Store a new refresh token."""
    unit.execute(
        """insert into refresh_token (hmac, session_id, issued_at, expires_at)
           values (:hmac, :session_id, :issued_at, :expires_at)""",
        hmac=refresh.hmac,
        session_id=refresh.session_id,
        issued_at=refresh.issued_at,
        expires_at=refresh.expires_at,
    )


def refresh_of(unit: Unit, hmac: str) -> Refresh | None:
    """The refresh token of that code."""
    return unit.row(
        Refresh,
        "select hmac, session_id, issued_at, expires_at, used_at from refresh_token where hmac = :hmac",
        hmac=hmac,
    )


def use_refresh(unit: Unit, hmac: str, now: Instant) -> bool:
    """Use a refresh token up; of several who try at once, one does."""
    return (
        unit.execute("update refresh_token set used_at = :now where hmac = :h and used_at is null", h=hmac, now=now)
        == 1
    )


def record(unit: Unit, issued: Issued) -> None:
    """Store the record of an access token."""
    unit.execute(
        f"""insert into access_token ({_ISSUED})
            values (:jti, :account_id, :session_id, :kid, :token_epoch, :issued_at, :expires_at)""",
        jti=issued.jti,
        account_id=issued.account_id,
        session_id=issued.session_id,
        kid=issued.kid,
        token_epoch=issued.token_epoch,
        issued_at=issued.issued_at,
        expires_at=issued.expires_at,
    )


def issued(unit: Unit, jti: str) -> Issued | None:
    """The record of an access token."""
    return unit.row(Issued, f"select {_ISSUED}, revoked_at from access_token where jti = :jti", jti=jti)


def standing(unit: Unit, jti: str) -> Standing | None:
    """What is known of a token now; None for one that was never issued here, or whose account is gone."""
    return unit.row(
        Standing,
        """select t.account_id, t.token_epoch, t.revoked_at, s.ended_at, a.state, a.token_epoch, a.name
             from access_token t join account a on a.id = t.account_id left join session s on s.id = t.session_id
            where t.jti = :jti""",
        jti=jti,
    )


def revoke(unit: Unit, jti: str, now: Instant) -> bool:
    """Have an access token refused from now on; whether it stood until now."""
    return (
        unit.execute(
            "update access_token set revoked_at = :now where jti = :jti and revoked_at is null", jti=jti, now=now
        )
        == 1
    )


def issued_to(unit: Unit, account_id: str | None, now: Instant, limit: int) -> Iterator[Issued]:
    """Access tokens that are good by their time, newest first; those of one account where it is given."""
    where = "account_id = :account_id" if account_id is not None else "cast(:account_id as text) is null"
    for values in unit.stream(
        f"""select {_ISSUED}, revoked_at from access_token
             where {where} and expires_at > :now order by issued_at desc, jti limit :limit""",
        account_id=account_id,
        now=now,
        limit=limit,
    ):
        yield Issued(*values)


def forget_expired(unit: Unit, before: Instant, limit: int) -> int:
    """Remove what expired before a moment, at most `limit` of each; how many rows went."""
    gone = 0
    for table, column in (("access_token", "jti"), ("session", "id")):
        gone += unit.execute(
            f"""delete from {table} where {column} in
                  (select {column} from {table} where expires_at < :before order by expires_at limit :limit)""",
            before=before,
            limit=limit,
        )
    return gone
