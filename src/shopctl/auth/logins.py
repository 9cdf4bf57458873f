"""Logins: a name and a password, and a one-time code where there is a second factor, prove who somebody is."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, NamedTuple

from shopctl.auth import throttling
from shopctl.auth.errors import CodeNeeded, LoginRefused, Throttled
from shopctl.auth.one_time import DRIFT, PERIOD, looks_like_recovery, normal_code, step_of
from shopctl.auth.system import PEPPER, AuthSystem
from shopctl.auth.throttling import Attempt
from shopctl.authdb import accounts, credentials
from shopctl.authdb.credentials import Factor
from shopctl.authdb.model import Account
from shopctl.storage.unit import Unit

if TYPE_CHECKING:
    from shopctl.auth.hashing import Hasher


class Proven(NamedTuple):
    """Who it is and how that was proven: `pwd`, `pwd otp` (RFC 8176)."""

    account: Account
    methods: str
    source_index: str


class LoginService:
    """Proves who somebody is. Everybody waits as long as for a right password, whatever was wrong."""

    def __init__(self, system: AuthSystem) -> None:
        self._system = system
        self._hasher: Hasher | None = None

    def hasher(self, unit: Unit) -> Hasher:
        """What hashes passwords here, with this database's pepper."""
        if self._hasher is None:
            from shopctl.auth.hashing import Hasher

            pepper = self._system.sealer.secret(unit, PEPPER)
            self._hasher = Hasher(pepper, self._system.policy.bcrypt_cost)
        return self._hasher

    def prove(self, who: str, password: str, *, code: str | None, source: str, with_factor: bool = True) -> Proven:
        """Who it is: the account of this name, e-mail address or id, if the password and the code are right.

        Without `with_factor` no code is asked for: of somebody whose session stands for it already. `source` is where
        the login comes from, such as an address. Raises Throttled, LoginRefused, and CodeNeeded when only the code is
        missing.
        """
        system = self._system
        with system.database.unit() as unit:
            attempt = throttling.begun(system, unit, who, source)
            wait = throttling.count(system, unit, attempt)
            hasher = self.hasher(unit)
            stored, factor = self._credentials(unit, attempt) if not wait else (None, None)
        if wait:
            raise Throttled(seconds=wait)
        # A quarter of a second of bcrypt, outside of any unit; without a hash, one that nothing matches.
        verdict = hasher.verify(password, stored)
        account = attempt.account
        factor = factor if with_factor else None
        if account is None or not verdict.matches or account.state != "active":
            raise LoginRefused()
        fresh = hasher.hash(password) if verdict.outdated else None
        if factor is not None and code is None:
            # It stays counted as failed: else whoever has the password could guess codes without end.
            raise CodeNeeded()
        with system.database.unit() as unit:
            if factor is not None and not self._takes(unit, factor, code or ""):
                raise LoginRefused()
            throttling.succeeded(system, unit, attempt)
            accounts.logged_in(unit, account.id, system.clock.now())
            if fresh is not None:
                self._upgrade(unit, account, stored or "", fresh)
        return Proven(account, "pwd otp" if factor else "pwd", attempt.source_index)

    def _credentials(self, unit: Unit, attempt: Attempt) -> tuple[str | None, Factor | None]:
        if attempt.account is None:
            return None, None
        sealer = self._system.sealer
        stored = credentials.password_hash(unit, sealer, attempt.account.id)
        return stored, credentials.factor(unit, sealer, attempt.account.id)

    def _takes(self, unit: Unit, factor: Factor, code: str) -> bool:
        """Use up a one-time code, or a recovery code; whether it was right."""
        code = normal_code(code)
        if looks_like_recovery(code):
            kept = self._system.code(unit, "recovery", f"{factor.account_id}\0{code}")
            return credentials.use_recovery_code(unit, factor.account_id, kept)
        now = self._system.clock.now()
        step = step_of(factor.secret, code, now)
        return step is not None and credentials.use_step(unit, factor.account_id, step, latest=now // PERIOD + DRIFT)

    def _upgrade(self, unit: Unit, account: Account, before: str, after: str) -> None:
        """Store the password's hash in today's form, unless it was changed meanwhile."""
        from shopctl.auth.hash_forms import kind_of

        sealer = self._system.sealer
        present = credentials.password_hash(unit, sealer, account.id) or ""
        if hmac.compare_digest(present, before):
            now = self._system.clock.now()
            credentials.set_password_hash(unit, sealer, account.id, after, " ".join(kind_of(after)), now)
