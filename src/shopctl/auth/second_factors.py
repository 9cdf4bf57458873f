"""Second factors: a generator is enrolled, confirmed by a code of it, and from then on asked for at every login."""

from __future__ import annotations

from typing import Any, NamedTuple

from shopctl.auth.errors import CodeWrong, NoSecondFactor, PasswordNeedsFactor, WrongKindOfUser
from shopctl.auth.one_time import new_recovery_codes, new_secret, normal_code, step_of, uri
from shopctl.auth.system import AuthSystem
from shopctl.authdb import accounts, credentials
from shopctl.authdb.model import Account
from shopctl.kernel import clock
from shopctl.kernel.redaction import remember_secret
from shopctl.storage.unit import Unit


class Enrolment(NamedTuple):
    """What a generator is fed with: the secret in base 32, and the same as the URI of a QR code."""

    user_id: str
    name: str
    secret: str
    uri: str


class SecondFactorService:
    """Use cases about one-time passwords and recovery codes."""

    def __init__(self, system: AuthSystem) -> None:
        self._system = system

    def show(self, who: str) -> dict[str, Any]:
        """{"user_id","name","second_factor","confirmed_at","recovery_codes"}: how many codes are left.

        Raises UserNotFound.
        """
        with self._system.database.read() as unit:
            account = accounts.need(unit, self._system.sealer, who)
            factor = credentials.factor(unit, self._system.sealer, account.id)
            return {
                "user_id": account.id,
                "name": account.name,
                "second_factor": factor is not None and factor.confirmed_at is not None,
                "confirmed_at": clock.show(factor.confirmed_at) if factor else None,
                "recovery_codes": credentials.recovery_codes_left(unit, account.id),
            }

    def enrol(self, who: str) -> Enrolment:
        """Make a generator's secret, to be confirmed; one that is confirmed already goes on until then.

        Raises UserNotFound, WrongKindOfUser.
        """
        secret = new_secret()
        remember_secret(secret)
        with self._system.database.unit() as unit:
            account = self._person(unit, who)
            credentials.propose_factor(unit, self._system.sealer, account.id, secret, self._system.clock.now())
            self._record(unit, "user.mfa_enrol", account)
        issuer = self._system.policy.shop_name or "shopctl"
        return Enrolment(account.id, account.name, secret, uri(secret, name=account.name, issuer=issuer))

    def confirm(self, who: str, code: str) -> list[str]:
        """Have codes asked for from now on, if this one is right: ten recovery codes, shown this once.

        Raises UserNotFound, NoSecondFactor when none waits to be confirmed, CodeWrong.
        """
        system = self._system
        with system.database.unit() as unit:
            account = self._person(unit, who)
            proposed = credentials.proposed_secret(unit, system.sealer, account.id)
            if proposed is None:
                raise NoSecondFactor(name=account.name)
            step = step_of(proposed, normal_code(code), system.clock.now())
            if step is None:
                raise CodeWrong()
            credentials.confirm_factor(unit, system.sealer, account.id, proposed, step, system.clock.now())
            codes = self._new_codes(unit, account)
            self._record(unit, "user.mfa_confirm", account)
        return codes

    def renew_codes(self, who: str) -> list[str]:
        """New recovery codes in place of the old ones. Raises UserNotFound, NoSecondFactor."""
        with self._system.database.unit() as unit:
            account = self._person(unit, who)
            if not credentials.has_factor(unit, account.id):
                raise NoSecondFactor(name=account.name)
            codes = self._new_codes(unit, account)
            self._record(unit, "user.mfa_codes", account)
        return codes

    def remove(self, who: str) -> dict[str, Any]:
        """Ask for no more codes, for a person who lost the generator. Raises UserNotFound, PasswordNeedsFactor."""
        with self._system.database.unit() as unit:
            account = self._person(unit, who)
            if credentials.has_short_password(unit, account.id):
                raise PasswordNeedsFactor(name=account.name)
            if credentials.remove_factor(unit, account.id):
                self._record(unit, "user.mfa_remove", account)
        return self.show(account.id)

    def _person(self, unit: Unit, who: str) -> Account:
        account = accounts.need(unit, self._system.sealer, who, lock=True)
        if account.kind != "person":
            raise WrongKindOfUser(name=account.name, kind=account.kind, what="shows a secret, not one-time codes")
        return account

    def _new_codes(self, unit: Unit, account: Account) -> list[str]:
        codes = new_recovery_codes()
        kept = [self._system.code(unit, "recovery", f"{account.id}\0{normal_code(code)}") for code in codes]
        credentials.set_recovery_codes(unit, account.id, kept)
        return codes

    def _record(self, unit: Unit, action: str, account: Account) -> None:
        self._system.audit.record(unit, action, account.name, {"user_id": account.id})
