"""Users: people and services, what they may do, and what they prove themselves by.

Whoever is disabled, or loses a role, a permission or a password, has the tokens he holds refused at the next request.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from shopctl.auth import throttling
from shopctl.auth.access import Source, access_of, sources_of
from shopctl.auth.errors import NothingToChange, WrongKindOfUser
from shopctl.auth.logins import LoginService
from shopctl.auth.owners import owned
from shopctl.auth.permissions import EVERYTHING, checked, checked_all, covered
from shopctl.auth.system import AuthSystem, random_secret
from shopctl.authdb import accounts, credentials, sessions
from shopctl.authdb.accounts import Filters as Filters
from shopctl.authdb.model import Account, checked_email, checked_name
from shopctl.authdb.roles import need as need_roles
from shopctl.kernel import clock, ids
from shopctl.kernel.redaction import remember_secret
from shopctl.storage.unit import Unit

_PREFIX = "cs"
_TOGETHER = 500


class NewUser(NamedTuple):
    """A user that was made; the secret of a service is shown this once."""

    user_id: str
    name: str
    client_id: str | None
    client_secret: str | None


class UserService:
    """Use cases about users."""

    def __init__(self, system: AuthSystem, logins: LoginService) -> None:
        self._system = system
        self._logins = logins

    def add_person(
        self, name: str, password: str, *, email: str | None, roles: Sequence[str] = (), permissions: Sequence[str] = ()
    ) -> NewUser:
        """Add a person. Raises NameTaken, EmailTaken, RoleNotFound, and what `passwords.check` names."""
        account = self._new(name, email, "person")
        self._check_password(account, password, second_factor=False)
        with self._system.database.read() as unit:  # refused before a quarter of a second of bcrypt
            need_roles(unit, roles)
        hashed = self._hash(password)
        with self._system.database.unit() as unit:
            self._add(unit, account, roles, permissions)
            self._store_hash(unit, account, hashed, password)
        return NewUser(account.id, account.name, None, None)

    def add_service(
        self, name: str, *, email: str | None = None, roles: Sequence[str] = (), permissions: Sequence[str] = ()
    ) -> NewUser:
        """Add a service with a secret of 256 random bits. Raises NameTaken, RoleNotFound."""
        account = self._new(name, email, "service")
        secret = random_secret(_PREFIX)
        remember_secret(secret)
        with self._system.database.unit() as unit:
            self._add(unit, account, roles, permissions)
            kept = self._system.code(unit, "client secret", secret)
            credentials.add_client_secret(unit, account.id, kept, account.created_at)
        return NewUser(account.id, account.name, account.id, secret)

    def rotate_secret(self, who: str) -> NewUser:
        """Give a service a new secret; the old ones end. Raises UserNotFound, WrongKindOfUser."""
        secret = random_secret(_PREFIX)
        remember_secret(secret)
        with self._changing(who) as (unit, account):
            if account.kind != "service":
                raise WrongKindOfUser(name=account.name, kind=account.kind, what="has a password, not a secret")
            now = self._system.clock.now()
            credentials.remove_client_secrets(unit, account.id)
            credentials.add_client_secret(unit, account.id, self._system.code(unit, "client secret", secret), now)
            accounts.end_tokens_of(unit, [account.id])
            self._record(unit, "user.secret", account)
        return NewUser(account.id, account.name, account.id, secret)

    def is_empty(self) -> bool:
        """Whether there is no user at all yet."""
        with self._system.database.read() as unit:
            return accounts.is_empty(unit)

    def is_called(self, who: str, user_id: str) -> bool:
        """Whether this name, e-mail address or id is that user's."""
        with self._system.database.read() as unit:
            account = accounts.find(unit, self._system.sealer, who)
        return account is not None and account.id == user_id

    def list(self, filters: Filters, *, limit: int | None = None, offset: int = 0) -> Iterator[dict[str, Any]]:
        """Users as rows, in the order of their creation, as a stream; see `show` for the keys."""
        with self._system.database.read() as unit:
            part: list[Account] = []
            for account in accounts.listed(unit, self._system.sealer, filters, limit=limit, offset=offset):
                part.append(account)
                if len(part) == _TOGETHER:
                    yield from _rows(unit, part)
                    part = []
            yield from _rows(unit, part)

    def show(self, who: str) -> dict[str, Any]:
        """A user: {"user_id","name","kind","state","email","roles","permissions","effective_permissions",…}.

        Raises UserNotFound.
        """
        with self._system.database.read() as unit:
            account = accounts.need(unit, self._system.sealer, who)
            (row,) = _rows(unit, [account])
            access = access_of(unit, account)
            return {
                **row,
                "effective_permissions": access.permissions,
                "second_factor": credentials.has_factor(unit, account.id),
                "recovery_codes": credentials.recovery_codes_left(unit, account.id),
            }

    def set_email(self, who: str, email: str | None) -> dict[str, Any]:
        """Change the address of a user. Raises UserNotFound, EmailTaken, InvalidEmail."""
        wanted = None if email is None else checked_email(email)
        with self._changing(who) as (unit, account):
            if account.email != wanted:
                accounts.save(
                    unit, self._system.sealer, account, account._replace(email=wanted), now=self._system.clock.now()
                )
                self._record(unit, "user.set", account, fields=["email"])
        return self.show(account.id)

    def disable(self, who: str, *, last_owner: bool = False) -> dict[str, Any]:
        """Keep a user out from the next request on. Raises UserNotFound, LastOwner unless `last_owner`."""
        with self._losing("user disable", who, last_owner) as (unit, account):
            if account.state != "disabled":
                self._save_state(unit, account, "disabled")
                self._end_all(unit, account, "the user was disabled")
                self._record(unit, "user.disable", account)
        return self.show(account.id)

    def enable(self, who: str) -> dict[str, Any]:
        """Let a user in again; tokens of before stay refused. Raises UserNotFound."""
        with self._changing(who) as (unit, account):
            if account.state != "active":
                self._save_state(unit, account, "active")
                self._record(unit, "user.enable", account)
        return self.show(account.id)

    def unlock(self, who: str) -> dict[str, Any]:
        """Forget the failed logins of a user, whose next one is tried at once. Raises UserNotFound."""
        with self._changing(who) as (unit, account):
            cleared = throttling.unlock(unit, account)
            self._record(unit, "user.unlock", account, counters=cleared)
        return {"user_id": account.id, "name": account.name, "unlocked": cleared > 0}

    def set_password(self, who: str, password: str) -> dict[str, Any]:
        """Give a person another password; all his sessions end.

        Raises UserNotFound, WrongKindOfUser, and what `passwords.check` names.
        """
        with self._system.database.read() as unit:
            account = accounts.need(unit, self._system.sealer, who)
            second = credentials.has_factor(unit, account.id)
        if account.kind != "person":
            raise WrongKindOfUser(name=account.name, kind=account.kind, what="has a secret, not a password")
        self._check_password(account, password, second_factor=second)
        hashed = self._hash(password)
        with self._changing(account.id) as (unit, account):
            self._store_hash(unit, account, hashed, password)
            self._end_all(unit, account, "the password was changed")
            throttling.unlock(unit, account)
            self._record(unit, "user.password", account)
        return {"user_id": account.id, "name": account.name, "changed": True}

    def grant(self, who: str, permissions: Sequence[str] = (), *, roles: Sequence[str] = ()) -> dict[str, Any]:
        """Give a user roles and permissions. Raises UserNotFound, RoleNotFound, InvalidPermission, NothingToChange."""
        _check_named(permissions, roles, "grant")
        permissions = checked_all(permissions)
        with self._changing(who) as (unit, account):
            need_roles(unit, roles)
            now = self._system.clock.now()
            given = accounts.give_roles(unit, account.id, roles, now=now)
            granted = accounts.give_permissions(unit, account.id, permissions, now=now)
            if given or granted:
                self._record(unit, "user.grant", account, roles=given, permissions=granted)
        return self.show(account.id)

    def revoke(
        self, who: str, permissions: Sequence[str] = (), *, roles: Sequence[str] = (), last_owner: bool = False
    ) -> dict[str, Any]:
        """Take roles and permissions from a user, and refuse the tokens he has.

        Raises UserNotFound, RoleNotFound, LastOwner unless `last_owner`.
        """
        _check_named(permissions, roles, "revoke")
        with self._losing("user revoke", who, last_owner) as (unit, account):
            need_roles(unit, roles)
            taken = accounts.take_roles(unit, account.id, roles)
            lost = accounts.take_permissions(unit, account.id, permissions)
            if taken or lost:
                accounts.end_tokens_of(unit, [account.id])
                self._record(unit, "user.revoke", account, roles=taken, permissions=lost)
        return self.show(account.id)

    def explain_permission(self, who: str, permission: str) -> dict[str, Any]:
        """Whether a user may do something, and why: {"user","permission","allowed","by","source","considered":[…]}.

        Raises UserNotFound, InvalidPermission.
        """
        checked(permission)
        with self._system.database.read() as unit:
            account = accounts.need(unit, self._system.sealer, who)
            sources = sources_of(unit, account)
        system = permission.partition(":")[0]
        answer = covered(permission, {each.permission for each in sources})
        near = [each for each in sources if each.permission.partition(":")[0] in (system, EVERYTHING)]
        return {
            "user": account.name,
            "permission": permission,
            "allowed": answer.allowed and account.state == "active",
            "by": answer.by,
            "source": next((each.source for each in sources if each.permission == answer.by), None),
            "state": account.state,
            "considered": [each._asdict() for each in near],
        }

    def review(self) -> Iterator[dict[str, Any]]:
        """Who may do what: one row for each user and permission, with where it comes from; for an access review."""
        with self._system.database.read() as unit:
            everybody = [*accounts.listed(unit, self._system.sealer, Filters(), limit=None)]
            for account in everybody:
                sources: list[Source | None] = [*sources_of(unit, account)]
                for each in sources or [None]:
                    yield {
                        "user": account.name,
                        "kind": account.kind,
                        "state": account.state,
                        "permission": each.permission if each else None,
                        "source": each.source if each else None,
                        "last_login_at": clock.show(account.last_login_at),
                    }

    def hashes(self) -> Sequence[dict[str, Any]]:
        """How many passwords there are of each kind of hash: {"kind","passwords"}."""
        with self._system.database.read() as unit:
            return [{"kind": kind, "passwords": count} for kind, count in credentials.census(unit)]

    def _new(self, name: str, email: str | None, kind: Any) -> Account:
        email = None if email is None else checked_email(email)
        now = self._system.clock.now()
        return Account(ids.new("usr"), checked_name(name, email), kind, "active", email, 1, 1, now, now, None)

    def _add(self, unit: Unit, account: Account, roles_given: Sequence[str], permissions: Sequence[str]) -> None:
        granted = checked_all(permissions)
        need_roles(unit, roles_given)
        accounts.add(unit, self._system.sealer, account)
        given = accounts.give_roles(unit, account.id, roles_given, now=account.created_at)
        accounts.give_permissions(unit, account.id, granted, now=account.created_at)
        self._record(unit, "user.add", account, kind=account.kind, roles=given, permissions=list(granted))

    def _check_password(self, account: Account, password: str, *, second_factor: bool) -> None:
        from shopctl.auth.passwords import PasswordPolicy

        policy = self._system.policy
        names = [name for name in (account.name, account.email, policy.shop_name) if name]
        PasswordPolicy(policy.password_minimum, policy.password_minimum_with_second_factor).check(
            password, names=names, second_factor=second_factor
        )

    def _hash(self, password: str) -> str:
        with self._system.database.unit() as unit:  # the pepper may have to be made
            hasher = self._logins.hasher(unit)
        return hasher.hash(password)

    def _store_hash(self, unit: Unit, account: Account, hashed: str, password: str) -> None:
        from shopctl.auth.hash_forms import kind_of

        now = self._system.clock.now()
        kind = " ".join(kind_of(hashed))
        credentials.set_password_hash(unit, self._system.sealer, account.id, hashed, kind, now)
        credentials.mark_short(unit, account.id, short=len(password) < self._system.policy.password_minimum)

    def _save_state(self, unit: Unit, account: Account, state: Any) -> None:
        now = self._system.clock.now()
        accounts.save(unit, self._system.sealer, account, account._replace(state=state), now=now)

    def _end_all(self, unit: Unit, account: Account, because: str) -> None:
        accounts.end_tokens_of(unit, [account.id])
        sessions.end_all_of(unit, account.id, because, self._system.clock.now())

    def _record(self, unit: Unit, action: str, account: Account, **facts: Any) -> None:
        self._system.audit.record(unit, action, account.name, {"user_id": account.id, **facts})

    @contextmanager
    def _changing(self, who: str) -> Iterator[tuple[Unit, Account]]:
        """A write unit with one account in it, kept from other writers. Raises UserNotFound."""
        with self._system.database.unit() as unit:
            yield unit, accounts.need(unit, self._system.sealer, who, lock=True)

    @contextmanager
    def _losing(self, verb: str, who: str, last: bool) -> Iterator[tuple[Unit, Account]]:
        """The same, for what may take `*` from the last who has it. Raises UserNotFound, LastOwner unless `last`."""
        with self._system.database.unit() as unit, owned(unit, verb, who, last=last):
            yield unit, accounts.need(unit, self._system.sealer, who, lock=True)


def _rows(unit: Unit, part: Sequence[Account]) -> list[dict[str, Any]]:
    wanted = [account.id for account in part]
    given, own = accounts.roles_of(unit, wanted), accounts.permissions_of(unit, wanted)
    return [
        {
            "user_id": account.id,
            "name": account.name,
            "kind": account.kind,
            "state": account.state,
            "email": account.email,
            "roles": given[account.id],
            "permissions": own[account.id],
            "created_at": clock.show(account.created_at),
            "last_login_at": clock.show(account.last_login_at),
        }
        for account in part
    ]


def _check_named(permissions: Sequence[str], names: Sequence[str], verb: str) -> None:
    if not permissions and not names:
        raise NothingToChange(verb=verb, what="permissions, or roles with --role", command=f"user {verb}")
