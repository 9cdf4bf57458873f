"""Throttling of logins: whoever guesses waits longer and longer, and cannot lock the owner out.

Failures are counted for the account at that source, for the source, and for the account. The first two waits grow with
each failure up to a bound. The third, against guesses from many places at once, is short, and does not concern a place
that the account has logged in from before. An attempt counts as failed until it has succeeded, so that many at the same
moment are no way around (keycloak#26172).
"""

from __future__ import annotations

from typing import NamedTuple

from shopctl.auth.system import SECOND, AuthSystem
from shopctl.authdb import accounts, throttles
from shopctl.authdb.model import Account, name_key
from shopctl.authdb.throttles import Counter
from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit

FORGOTTEN_AFTER = 3600 * SECOND
FAMILIAR_FOR = 180 * 86400 * SECOND
_SOURCE_ATTEMPTS = 10  # times those of one account: many people may share an address
_ACCOUNT_ATTEMPTS = 20
_ACCOUNT_LONGEST = 10 * SECOND
_SOURCE = 1
_TOLD = ("account at a source", "source", "account")


class Rule(NamedTuple):
    """So many failures are free; the next one costs a second, each further one twice as much, up to the longest."""

    attempts: int
    longest: int  # microseconds

    def wait(self, failures: int) -> int:
        """How long the next attempt waits after so many failures, in microseconds."""
        over = failures - self.attempts
        return 0 if over < 0 else min(SECOND << min(over, 40), self.longest)


class Attempt(NamedTuple):
    """A login under way: whom it is about, if there is such an account, and the place it comes from."""

    account: Account | None
    source_index: str
    counted: tuple[tuple[str, Rule], ...]
    """What it is counted under: the account at the source, the source, the account."""

    @property
    def account_id(self) -> str | None:
        return self.account.id if self.account else None


def begun(system: AuthSystem, unit: Unit, who: str, source: str) -> Attempt:
    """A login that is about to be tried."""
    account = accounts.find(unit, system.sealer, who)
    named = account.id if account else name_key(who)
    attempts, longest = system.policy.throttle_attempts, system.policy.throttle_longest_wait * SECOND
    counted = (
        (system.code(unit, "throttle pair", f"{named}\0{source}"), Rule(attempts, longest)),
        (system.code(unit, "throttle source", source), Rule(attempts * _SOURCE_ATTEMPTS, longest)),
        (
            system.code(unit, "throttle account", named),
            Rule(attempts * _ACCOUNT_ATTEMPTS, min(_ACCOUNT_LONGEST, longest)),
        ),
    )
    return Attempt(account, system.code(unit, "source", source), counted)


def count(system: AuthSystem, unit: Unit, attempt: Attempt) -> int:
    """Count an attempt as failed for the time being; 0, or how many seconds it has to wait instead of being tried."""
    now = system.clock.now()
    found = throttles.counters(unit, [subject for subject, _ in attempt.counted])
    for subject, rule in attempt.counted:
        if subject in found and found[subject].last_at > now:
            # Counted while the clock was ahead: set right, or the wait would be as long as the clock was wrong.
            wait = rule.wait(found[subject].failures)
            late = found[subject]._replace(first_at=now, last_at=now, blocked_until=now + wait)
            throttles.save(unit, late)
            found[subject] = late
    heeded = attempt.counted[:2] if _is_familiar(unit, attempt, now) else attempt.counted
    longest = max((found[subject].blocked_until - now for subject, _ in heeded if subject in found), default=0)
    if longest > 0:
        return -(-longest // SECOND)
    for place, (subject, rule) in enumerate(attempt.counted):
        before = _faded(found.get(subject) or Counter(subject, None, 0, now, now, now), rule, now)
        failures = before.failures + 1
        account_id = None if place == _SOURCE else attempt.account_id
        throttles.save(unit, Counter(subject, account_id, failures, before.first_at, now, now + rule.wait(failures)))
        if failures == rule.attempts:
            # What was typed as a name is not recorded: people type their password there.
            name = attempt.account.name if attempt.account else None
            facts = {"of": _TOLD[place], "failures": failures, "source": attempt.source_index[:12]}
            system.audit.record(unit, "auth.throttled", name, facts)
    return 0


def succeeded(system: AuthSystem, unit: Unit, attempt: Attempt) -> None:
    """Take back what was counted for an attempt that turned out right, and know its place from now on."""
    account = attempt.account
    assert account is not None
    now = system.clock.now()
    (pair, _), *others = attempt.counted
    throttles.clear(unit, pair)
    for subject, rule in others:
        if counter := throttles.counters(unit, [subject]).get(subject):
            failures = max(counter.failures - 1, 0)
            throttles.save(unit, counter._replace(failures=failures, blocked_until=now + rule.wait(failures)))
    if throttles.has_familiar_places(unit, account.id) and not _is_familiar(unit, attempt, now):
        system.audit.record(unit, "auth.new_source", account.name, {"source": attempt.source_index[:12]})
    throttles.remember_source(unit, account.id, attempt.source_index, now)


def _faded(counter: Counter, rule: Rule, now: Instant) -> Counter:
    """What is left of the failures: one after another is forgotten, all that are free within an hour.

    So the mistypes of many people at one address never add up, however busy it is.
    """
    step = FORGOTTEN_AFTER // rule.attempts
    forgotten = max(now - counter.first_at, 0) // step
    if counter.failures <= forgotten:
        return counter._replace(failures=0, first_at=now)
    return counter._replace(failures=counter.failures - forgotten, first_at=counter.first_at + forgotten * step)


def unlock(unit: Unit, account: Account) -> int:
    """Forget the failed logins of an account; how many counters there were."""
    return throttles.clear_account(unit, account.id)


def _is_familiar(unit: Unit, attempt: Attempt, now: Instant) -> bool:
    account_id = attempt.account_id
    return account_id is not None and throttles.is_familiar(unit, account_id, attempt.source_index, now - FAMILIAR_FOR)
