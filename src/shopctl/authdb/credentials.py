"""What accounts prove themselves by: password hashes, services' secrets, second factors, recovery codes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from shopctl.kernel.clock import Instant
from shopctl.storage.sealing import Place, Sealer
from shopctl.storage.unit import Unit

PASSWORD, HASH = "password", "hash"
FACTOR, SECRET, PROPOSED = "second_factor", "secret", "proposed"


class Factor(NamedTuple):
    """A confirmed generator of one-time passwords; `secret` is opened (base 32)."""

    account_id: str
    secret: str
    confirmed_at: Instant


def password_hash(unit: Unit, sealer: Sealer, account_id: str) -> str | None:
    """The hash of an account's password, None when it has none."""
    sealed = unit.value("select hash from password where account_id = :id", id=account_id)
    return None if sealed is None else sealer.open(unit, Place(PASSWORD, HASH, account_id), sealed)


def set_password_hash(unit: Unit, sealer: Sealer, account_id: str, hash: str, kind: str, now: Instant) -> None:
    """Store the hash of an account's password; `kind` is what the census counts."""
    unit.execute(
        """insert into password (account_id, hash, kind, is_short, changed_at) values (:id, :hash, :kind, 0, :now)
           on conflict (account_id) do update set hash = excluded.hash, kind = excluded.kind,
              changed_at = excluded.changed_at""",
        id=account_id,
        hash=sealer.seal(unit, Place(PASSWORD, HASH, account_id), hash),
        kind=kind,
        now=now,
    )


def mark_short(unit: Unit, account_id: str, *, short: bool) -> None:
    """Note whether a new password is long enough only beside a second factor."""
    unit.execute("update password set is_short = :short where account_id = :id", id=account_id, short=int(short))


def has_short_password(unit: Unit, account_id: str) -> bool:
    """Whether an account's password is long enough only beside a second factor."""
    sql = "select 1 from password where account_id = :id and is_short = 1"
    return unit.value(sql, id=account_id) is not None


def census(unit: Unit) -> list[tuple[str, int]]:
    """How many passwords there are of each kind of hash."""
    rows = unit.tuples("select kind, count(*) from password group by kind order by count(*) desc, kind")
    return [(kind, count) for kind, count in rows]


def add_client_secret(unit: Unit, account_id: str, hmac: str, now: Instant) -> None:
    """Store the code of a service's secret."""
    unit.execute(
        "insert into client_secret (hmac, account_id, created_at) values (:hmac, :id, :now)",
        hmac=hmac,
        id=account_id,
        now=now,
    )


def has_client_secret(unit: Unit, account_id: str, hmac: str) -> bool:
    """Whether a service has the secret of that code."""
    sql = "select 1 from client_secret where hmac = :hmac and account_id = :id"
    return unit.value(sql, hmac=hmac, id=account_id) is not None


def remove_client_secrets(unit: Unit, account_id: str) -> int:
    """Remove all secrets of a service; how many there were."""
    return unit.execute("delete from client_secret where account_id = :id", id=account_id)


def factor(unit: Unit, sealer: Sealer, account_id: str) -> Factor | None:
    """The confirmed second factor of an account."""
    found = unit.row(
        Factor,
        """select account_id, secret, confirmed_at from second_factor
            where account_id = :id and confirmed_at is not null""",
        id=account_id,
    )
    if found is None:
        return None
    return found._replace(secret=sealer.open(unit, Place(FACTOR, SECRET, account_id), found.secret))


def propose_factor(unit: Unit, sealer: Sealer, account_id: str, secret: str, now: Instant) -> None:
    """Store the secret of a second factor that is still to be confirmed; a confirmed one stays beside it."""
    unit.execute(
        """insert into second_factor (account_id, proposed, last_step, created_at) values (:id, :proposed, 0, :now)
           on conflict (account_id) do update set proposed = excluded.proposed""",
        id=account_id,
        proposed=sealer.seal(unit, Place(FACTOR, PROPOSED, account_id), secret),
        now=now,
    )


def proposed_secret(unit: Unit, sealer: Sealer, account_id: str) -> str | None:
    """The secret that waits to be confirmed."""
    sealed = unit.value("select proposed from second_factor where account_id = :id", id=account_id)
    return None if sealed is None else sealer.open(unit, Place(FACTOR, PROPOSED, account_id), sealed)


def confirm_factor(unit: Unit, sealer: Sealer, account_id: str, secret: str, step: int, now: Instant) -> None:
    """Have this second factor asked for from now on; the code of `step` is used up."""
    unit.execute(
        """update second_factor set secret = :secret, proposed = null, last_step = :step, confirmed_at = :now
            where account_id = :id""",
        id=account_id,
        secret=sealer.seal(unit, Place(FACTOR, SECRET, account_id), secret),
        step=step,
        now=now,
    )


def use_step(unit: Unit, account_id: str, step: int, *, latest: int) -> bool:
    """Use up the one-time password of a time step; False for one that was used, or lies before one (RFC 6238, 5.2).

    A step later than `latest`, the last that can be right now, was used while the clock was ahead, and counts no more.
    """
    sql = """update second_factor set last_step = :step
              where account_id = :id and (last_step < :step or last_step > :latest)"""
    return unit.execute(sql, id=account_id, step=step, latest=latest) == 1


def remove_factor(unit: Unit, account_id: str) -> int:
    """Remove the second factor of an account and its recovery codes."""
    unit.execute("delete from recovery_code where account_id = :id", id=account_id)
    return unit.execute("delete from second_factor where account_id = :id", id=account_id)


def has_factor(unit: Unit, account_id: str) -> bool:
    """Whether an account has a confirmed second factor."""
    sql = "select 1 from second_factor where account_id = :id and confirmed_at is not null"
    return unit.value(sql, id=account_id) is not None


def confirmed_factors(unit: Unit) -> int:
    """How many accounts have a confirmed second factor."""
    return int(unit.value("select count(*) from second_factor where confirmed_at is not null"))


def set_recovery_codes(unit: Unit, account_id: str, hmacs: Iterable[str]) -> None:
    """Store new recovery codes in place of the old ones."""
    unit.execute("delete from recovery_code where account_id = :id", id=account_id)
    unit.insert_many("recovery_code", ("hmac", "account_id"), [(hmac, account_id) for hmac in hmacs])


def use_recovery_code(unit: Unit, account_id: str, hmac: str) -> bool:
    """Use up a recovery code; whether it was one."""
    return unit.execute("delete from recovery_code where hmac = :h and account_id = :id", h=hmac, id=account_id) == 1


def recovery_codes_left(unit: Unit, account_id: str) -> int:
    """How many recovery codes an account has left."""
    return int(unit.value("select count(*) from recovery_code where account_id = :id", id=account_id))
