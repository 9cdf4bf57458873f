"""What an account may do: its permissions, and those of its roles and all that they inherit from."""

from __future__ import annotations

from typing import NamedTuple

from shopctl.authdb import accounts, roles
from shopctl.authdb.model import Account
from shopctl.storage.unit import Unit


class Access(NamedTuple):
    """An account with its roles, the inherited ones too, and all permissions, each list sorted."""

    account: Account
    roles: list[str]
    permissions: list[str]


class Source(NamedTuple):
    """A permission and where it comes from: `user` for one given to the account itself, else the role."""

    permission: str
    source: str


def access_of(unit: Unit, account: Account) -> Access:
    """What an account may do now."""
    given = accounts.roles_of(unit, [account.id])[account.id]
    own = accounts.permissions_of(unit, [account.id])[account.id]
    inherited = roles.permissions_of(unit, given) if given else []
    permissions = sorted({*own, *(granted.permission for granted in inherited)})
    return Access(account, roles.with_all_above(unit, given) if given else [], permissions)


def sources_of(unit: Unit, account: Account) -> list[Source]:
    """Every permission of an account with where it comes from."""
    given = accounts.roles_of(unit, [account.id])[account.id]
    own = accounts.permissions_of(unit, [account.id])[account.id]
    inherited = roles.permissions_of(unit, given) if given else []
    return [
        *(Source(permission, "user") for permission in own),
        *(Source(granted.permission, f"role {granted.role}") for granted in inherited),
    ]
