"""Roles: named sets of permissions that inherit from each other, without cycles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from shopctl.auth.errors import NothingToChange, RoleCycle, RoleExists, RoleInUse
from shopctl.auth.owners import owned
from shopctl.auth.permissions import checked_all
from shopctl.auth.system import AuthSystem
from shopctl.authdb import accounts, roles
from shopctl.authdb.errors import RoleNotFound
from shopctl.authdb.model import checked_name
from shopctl.kernel import clock
from shopctl.storage.unit import Unit


class RoleService:
    """Use cases about roles. Who loses a permission through one has his tokens refused at the next request."""

    def __init__(self, system: AuthSystem) -> None:
        self._system = system

    def list(self) -> Iterator[dict[str, Any]]:
        """All roles by name: {"name","description","parents","permissions","created_at"}."""
        with self._system.database.read() as unit:
            yield from map(_listed, roles.listed(unit))

    def show(self, name: str) -> dict[str, Any]:
        """A role with all it permits and where from, and who has it. Raises RoleNotFound."""
        with self._system.database.read() as unit:
            for role in roles.listed(unit, name):
                granted = roles.permissions_of(unit, [name])
                return {
                    **_listed(role),
                    "inherited": [each._asdict() for each in granted if each.role != name],
                    "children": roles.children(unit, name),
                    "users": len(roles.accounts_below(unit, name)),
                }
        raise RoleNotFound(name=name)

    def create(
        self, name: str, *, description: str = "", permissions: Iterable[str] = (), parents: Iterable[str] = ()
    ) -> dict[str, Any]:
        """Make a role. Raises RoleExists, RoleNotFound for a parent, InvalidPermission, InvalidName."""
        name, permissions, parents = checked_name(name), checked_all(permissions), tuple(dict.fromkeys(parents))
        with self._system.database.unit() as unit:
            roles.lock(unit)
            if roles.exists(unit, name):
                raise RoleExists(name=name)
            roles.need(unit, parents)
            roles.add(unit, name, description, self._system.clock.now())
            roles.permit(unit, name, permissions)
            roles.inherit(unit, name, parents)
            self._record(unit, "role.create", name, permissions=list(permissions), parents=list(parents))
        return self.show(name)

    def delete(self, name: str) -> None:
        """Remove a role that nobody has. Raises RoleNotFound, RoleInUse."""
        with self._system.database.unit() as unit:
            roles.lock(unit)
            roles.need(unit, [name])
            users, children = roles.accounts_below(unit, name), roles.children(unit, name)
            if users or children:
                by = [f"{len(users)} user(s)"] * bool(users) + [f"role {child}" for child in children]
                raise RoleInUse(name=name, by=", ".join(by))
            roles.delete(unit, name)
            self._record(unit, "role.delete", name)

    def permit(self, name: str, permissions: Sequence[str], *, parents: Sequence[str] = ()) -> dict[str, Any]:
        """Give a role permissions, or have it inherit from others.

        Raises RoleNotFound, RoleCycle, InvalidPermission, NothingToChange.
        """
        _check_named(permissions, parents, "permit")
        permissions = checked_all(permissions)
        with self._system.database.unit() as unit:
            roles.lock(unit)
            roles.need(unit, [name, *parents])
            for parent in parents:
                _check_no_cycle(unit, name, parent)
            added = roles.permit(unit, name, permissions)
            inherited = roles.inherit(unit, name, parents)
            if added or inherited:
                self._record(unit, "role.permit", name, permissions=added, parents=inherited)
        return self.show(name)

    def forbid(
        self, name: str, permissions: Sequence[str], *, parents: Sequence[str] = (), last_owner: bool = False
    ) -> dict[str, Any]:
        """Take permissions, or what it inherits, from a role; those it has not stay untouched.

        Raises RoleNotFound, LastOwner unless `last_owner`.
        """
        _check_named(permissions, parents, "forbid")
        with self._system.database.unit() as unit, owned(unit, "role forbid", name, last=last_owner):
            roles.need(unit, [name, *parents])
            taken = roles.forbid(unit, name, permissions)
            left = roles.disinherit(unit, name, parents)
            if taken or left:
                accounts.end_tokens_of(unit, roles.accounts_below(unit, name))
                self._record(unit, "role.forbid", name, permissions=taken, parents=left)
        return self.show(name)

    def _record(self, unit: Unit, action: str, name: str, **facts: Any) -> None:
        self._system.audit.record(unit, action, name, facts)


def _check_named(permissions: Sequence[str], parents: Sequence[str], verb: str) -> None:
    if not permissions and not parents:
        raise NothingToChange(verb=verb, what="permissions, or roles with --inherit", command=f"role {verb}")


def _check_no_cycle(unit: Unit, role: str, parent: str) -> None:
    if role in roles.with_all_above(unit, [parent]):
        raise RoleCycle(role=role, parent=parent, path=" > ".join(_path(unit, parent, role)))


def _path(unit: Unit, start: str, end: str) -> list[str]:
    """How a role comes to inherit from another, step by step."""
    paths, seen = [[start]], {start}
    for path in paths:
        if path[-1] == end:
            return path
        for role in roles.listed(unit, path[-1]):
            new = [parent for parent in role.parents if parent not in seen]
            seen.update(new)
            paths += [[*path, parent] for parent in new]
    return [start, end]


def _listed(role: roles.Role) -> dict[str, Any]:
    return {
        "name": role.name,
        "description": role.description,
        "parents": list(role.parents),
        "permissions": list(role.permissions),
        "created_at": clock.show(role.created_at),
    }
