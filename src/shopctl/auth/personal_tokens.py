"""Personal tokens: a user's own, for a program, with a scope and an end; 256 random bits instead of a password.

What such a token permits is looked up when it is used. It ends with its time, with a revocation, and with everything
that ends its user's other tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from shopctl.auth.access import access_of
from shopctl.auth.errors import ScopeNotGranted
from shopctl.auth.permissions import checked_all, narrowed
from shopctl.auth.system import SECOND, AuthSystem, random_secret
from shopctl.authdb import accounts, personal_tokens
from shopctl.authdb.model import Account, checked_name
from shopctl.authdb.personal_tokens import PersonalToken
from shopctl.kernel import clock, ids
from shopctl.kernel.redaction import remember_secret
from shopctl.storage.unit import Unit

PREFIX = "spt"
_NOTED_EVERY = 3600 * SECOND


class NewPersonalToken(NamedTuple):
    """A personal token that was made; it is shown this once."""

    token_id: str
    name: str
    access_token: str
    scope: str
    expires_at: str


class PersonalTokenService:
    """Use cases about personal tokens."""

    def __init__(self, system: AuthSystem) -> None:
        self._system = system

    def create(self, who: str, name: str, *, scope: Sequence[str], lasting: int) -> NewPersonalToken:
        """Make a token that is good for `lasting` seconds. Raises UserNotFound, ScopeNotGranted, InvalidName."""
        name, wanted = checked_name(name), checked_all(scope)
        system = self._system
        token = random_secret(PREFIX)
        remember_secret(token)
        with system.database.unit() as unit:
            account = accounts.need(unit, system.sealer, who)
            if wanted and not narrowed(access_of(unit, account).permissions, wanted):
                raise ScopeNotGranted(who=account.name, scope=" ".join(wanted))
            now = system.clock.now()
            made = PersonalToken(
                id=ids.new("pat"),
                hmac=system.code(unit, "personal token", token),
                account_id=account.id,
                name=name,
                scope=" ".join(wanted),
                token_epoch=account.token_epoch,
                created_at=now,
                expires_at=now + lasting * SECOND,
                last_used_at=None,
                revoked_at=None,
            )
            personal_tokens.add(unit, made)
            system.audit.record(unit, "token.create", account.name, {"id": made.id, "scope": list(wanted)})
        return NewPersonalToken(made.id, name, token, made.scope, str(clock.show(made.expires_at)))

    def list(self, who: str | None = None) -> Iterator[dict[str, Any]]:
        """The tokens that have not expired, newest first. Raises UserNotFound."""
        with self._system.database.read() as unit:
            account = accounts.need(unit, self._system.sealer, who) if who else None
            for each in personal_tokens.listed(unit, account and account.id, self._system.clock.now()):
                owner = accounts.need(unit, self._system.sealer, each.account_id)
                problem = _problem(each, owner)
                yield {
                    "token_id": each.id,
                    "user": owner.name,
                    "name": each.name,
                    "scope": each.scope,
                    "active": problem is None,
                    "reason": problem,
                    "created_at": clock.show(each.created_at),
                    "expires_at": clock.show(each.expires_at),
                    "last_used_at": clock.show(each.last_used_at),
                }


def is_personal(token: str) -> bool:
    """Whether it is a personal token by its form."""
    return token.startswith(f"{PREFIX}_")


def read(system: AuthSystem, unit: Unit, token: str) -> tuple[PersonalToken, Account]:
    """A personal token that holds now, and whose it is. Raises TokenRefused."""
    from shopctl.auth.jose.errors import TokenRefused

    found = personal_tokens.find(unit, system.code(unit, "personal token", token))
    owner = accounts.find(unit, system.sealer, found.account_id) if found else None
    if found is None or owner is None:
        raise TokenRefused("revoked", "it has no record here")
    if found.expires_at <= system.clock.now():
        raise TokenRefused("expiry", f"it expired at {clock.show(found.expires_at)}", "expired")
    if problem := _problem(found, owner):
        raise TokenRefused("revoked", problem)
    return found, owner


def note_use(system: AuthSystem, token: PersonalToken) -> None:
    """Remember that a token is in use, to the hour: a write at every request would cost more than the request."""
    now = system.clock.now()
    if token.last_used_at is None or now - token.last_used_at > _NOTED_EVERY:
        with system.database.unit() as unit:
            personal_tokens.used(unit, token.id, now)


def _problem(token: PersonalToken, owner: Account) -> str | None:
    if owner.state != "active":
        return "its user is disabled"
    if token.revoked_at is not None:
        return "it was revoked"
    if token.token_epoch != owner.token_epoch:
        return "its user's password, roles or permissions were changed since"
    return None
