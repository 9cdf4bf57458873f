"""Roles: their permissions, and the roles that they inherit from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from shopctl.authdb.errors import RoleNotFound
from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit, json_array

# Every role above the given ones and these themselves. `union` ends also where a cycle had slipped in.
_ABOVE = """with recursive above (name) as (
        select name from role where name in (select value ->> 0 from {given})
         union select p.parent from role_parent p join above on p.role = above.name)"""
_BELOW = """with recursive below (name) as (
        select name from role where name = :role
         union select p.role from role_parent p join below on p.parent = below.name)"""


class Role(NamedTuple):
    """A role with what it has by itself."""

    name: str
    description: str
    created_at: Instant
    parents: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()


class Granted(NamedTuple):
    """A permission and the role that it comes from."""

    permission: str
    role: str


def add(unit: Unit, name: str, description: str, now: Instant) -> None:
    """Store a new role, which must not be there."""
    unit.execute(
        "insert into role (name, description, created_at) values (:name, :description, :now)",
        name=name,
        description=description,
        now=now,
    )


def exists(unit: Unit, name: str) -> bool:
    """Whether there is such a role."""
    return unit.value("select 1 from role where name = :name", name=name) is not None


def all_names(unit: Unit) -> frozenset[str]:
    """The names of all roles."""
    return frozenset(name for (name,) in unit.tuples("select name from role"))


def need(unit: Unit, names: Iterable[str]) -> None:
    """Raise RoleNotFound for the first of these that is not there."""
    for name in names:
        if not exists(unit, name):
            raise RoleNotFound(name=name)


def listed(unit: Unit, name: str | None = None) -> Iterator[Role]:
    """Roles by name, or one."""
    where = "where name = :name" if name is not None else "where cast(:name as text) is null"
    found = unit.tuples(f"select name, description, created_at from role {where} order by name", name=name)
    for role, description, created_at in found:
        parents = unit.tuples("select parent from role_parent where role = :role order by 1", role=role)
        own = unit.tuples("select permission from role_permission where role = :role order by 1", role=role)
        yield Role(role, description, created_at, tuple(each for (each,) in parents), tuple(each for (each,) in own))


def delete(unit: Unit, name: str) -> None:
    """Remove a role that nobody has and nothing inherits from."""
    unit.execute("delete from role where name = :name", name=name)


def permit(unit: Unit, role: str, permissions: Iterable[str]) -> list[str]:
    """Give a role permissions; those it did not have."""
    insert = "insert into role_permission (role, permission) values (:role, :permission) on conflict do nothing"
    return [each for each in permissions if unit.execute(insert, role=role, permission=each)]


def forbid(unit: Unit, role: str, permissions: Iterable[str]) -> list[str]:
    """Take permissions from a role; those it had."""
    delete = "delete from role_permission where role = :role and permission = :permission"
    return [each for each in permissions if unit.execute(delete, role=role, permission=each)]


def inherit(unit: Unit, role: str, parents: Iterable[str]) -> list[str]:
    """Have a role inherit from others; those it did not inherit from."""
    insert = "insert into role_parent (role, parent) values (:role, :parent) on conflict do nothing"
    return [each for each in parents if unit.execute(insert, role=role, parent=each)]


def disinherit(unit: Unit, role: str, parents: Iterable[str]) -> list[str]:
    """Have a role inherit from others no more; those it inherited from."""
    delete = "delete from role_parent where role = :role and parent = :parent"
    return [each for each in parents if unit.execute(delete, role=role, parent=each)]


def lock(unit: Unit) -> None:
    """Keep other writers from the inheritance of roles until the unit ends, so that two cannot close a cycle."""
    if unit.dialect == "postgres":
        unit.execute("lock table role_parent in share row exclusive mode")


def with_all_above(unit: Unit, names: Iterable[str]) -> list[str]:
    """These roles and all that they inherit from, sorted."""
    sql = f"{_ABOVE.format(given=unit.each('names'))} select name from above order by 1"
    return [name for (name,) in unit.tuples(sql, names=json_array(names))]


def permissions_of(unit: Unit, names: Iterable[str]) -> list[Granted]:
    """What these roles and all above them permit, with where it comes from."""
    sql = f"""{_ABOVE.format(given=unit.each("names"))}
        select permission, role from role_permission join above on above.name = role order by 1, 2"""
    return unit.rows(Granted, sql, names=json_array(names))


def accounts_below(unit: Unit, role: str) -> list[str]:
    """The ids of all accounts that have a role, be it by inheritance."""
    sql = f"{_BELOW} select distinct account_id from account_role join below on below.name = role order by 1"
    return [account_id for (account_id,) in unit.tuples(sql, role=role)]


def children(unit: Unit, role: str) -> list[str]:
    """The roles that inherit from one directly."""
    return [name for (name,) in unit.tuples("select role from role_parent where parent = :role order by 1", role=role)]
