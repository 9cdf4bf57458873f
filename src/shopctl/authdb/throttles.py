"""Counters of failed logins, and the places that accounts log in from."""

from __future__ import annotations

from typing import NamedTuple

from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit, json_array


class Counter(NamedTuple):
    """Failures of one subject since `first_at`."""

    subject: str
    account_id: str | None
    failures: int
    first_at: Instant
    last_at: Instant
    blocked_until: Instant


_COLUMNS = ", ".join(Counter._fields)


def counters(unit: Unit, subjects: list[str]) -> dict[str, Counter]:
    """The counters of these subjects that have any, kept from other writers."""
    rows = unit.rows(
        Counter,
        f"""select {_COLUMNS} from throttle where subject in (select value ->> 0 from {unit.each("subjects")})
            order by subject {unit.for_update}""",
        subjects=json_array(subjects),
    )
    return {row.subject: row for row in rows}


def save(unit: Unit, counter: Counter) -> None:
    """Store a counter."""
    unit.execute(
        f"""insert into throttle ({_COLUMNS})
            values (:subject, :account_id, :failures, :first_at, :last_at, :blocked_until)
            on conflict (subject) do update set failures = excluded.failures, first_at = excluded.first_at,
               last_at = excluded.last_at, blocked_until = excluded.blocked_until""",
        **counter._asdict(),
    )


def clear(unit: Unit, subject: str) -> None:
    """Forget one counter."""
    unit.execute("delete from throttle where subject = :subject", subject=subject)


def clear_account(unit: Unit, account_id: str) -> int:
    """Forget all counters of an account; how many there were."""
    return unit.execute("delete from throttle where account_id = :id", id=account_id)


def forget_old(unit: Unit, before: Instant) -> int:
    """Forget what failed last before a moment."""
    return unit.execute("delete from throttle where last_at < :before and blocked_until < :before", before=before)


def is_familiar(unit: Unit, account_id: str, source_index: str, since: Instant) -> bool:
    """Whether an account has logged in from there since a moment."""
    sql = """select 1 from familiar_source
              where account_id = :account_id and source_index = :source_index and last_at >= :since"""
    return unit.value(sql, account_id=account_id, source_index=source_index, since=since) is not None


def has_familiar_places(unit: Unit, account_id: str) -> bool:
    """Whether an account has logged in from anywhere yet."""
    return unit.value("select 1 from familiar_source where account_id = :id limit 1", id=account_id) is not None


def remember_source(unit: Unit, account_id: str, source_index: str, now: Instant) -> None:
    """Note that an account logged in from there."""
    unit.execute(
        """insert into familiar_source (account_id, source_index, last_at) values (:account_id, :source_index, :now)
           on conflict (account_id, source_index) do update set last_at = excluded.last_at""",
        account_id=account_id,
        source_index=source_index,
        now=now,
    )
