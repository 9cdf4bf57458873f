"""Permissions: what they look like, and whether what somebody has covers what is asked for.

A permission is `system:action` or `system:action:resource`, such as `catalogue:write` or `purchase:refund:pur_01*`. In
what somebody has, `*` stands for any system or action, and in a resource for any run of characters; without a resource
it holds for all of them, and `*` alone covers everything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from shopctl.kernel.errors import InvalidData

EVERYTHING = "*"
LONGEST = 200
_FORM = re.compile(r"(?:\*|[a-z][a-z0-9-]*):(?:\*|[a-z][a-z0-9-]*)(?::[^\s:\"\\][^\s\"\\]*)?")

SYSTEMS: dict[str, tuple[str, ...]] = {
    "catalogue": ("read", "write"),
    "stock": ("read", "write"),
    "customer": ("read", "write", "erase"),
    "purchase": ("read", "write", "refund", "approve"),
    "payment": ("read", "capture", "void"),
    "provision": ("read", "write", "approve"),
    "instance": ("read", "write"),
    "template": ("read", "write"),
    "licence": ("read", "write", "reveal"),
    "event": ("read", "write"),
    "webhook": ("read", "write"),
    "user": ("read", "write"),
    "role": ("read", "write"),
    "token": ("read", "write"),
    "key": ("read", "write"),
    "audit": ("read", "write"),
    "backup": ("read", "write"),
    "db": ("read", "write"),
    "config": ("read",),
    "plugin": ("read", "run"),
    "worker": ("run",),
    "serve": ("run",),
}
"""The permissions that shopctl's own commands ask for; other services may ask for theirs."""


class InvalidPermission(InvalidData):
    """{permission!r} is not a permission."""

    code = "auth.invalid_permission"
    hint = (
        "Write system:action or system:action:resource, such as catalogue:write, purchase:refund:pur_01*, catalogue:*"
    )


class Covered(NamedTuple):
    """Whether something is allowed, and by which of the permissions that somebody has."""

    allowed: bool
    by: str | None


def checked(permission: str) -> str:
    """The permission as it is stored. Raises InvalidPermission."""
    if permission == EVERYTHING or (
        len(permission) <= LONGEST and permission.isprintable() and _FORM.fullmatch(permission)
    ):
        return permission
    raise InvalidPermission(permission=permission)


def checked_all(permissions: Iterable[str]) -> tuple[str, ...]:
    """Each once, sorted. Raises InvalidPermission."""
    return tuple(sorted({checked(permission) for permission in permissions}))


def is_known(permission: str) -> bool:
    """Whether a command of shopctl asks for it; one that none asks for may be a slip of the finger."""
    system, _, rest = permission.partition(":")
    action = rest.partition(":")[0]
    return system == EVERYTHING or action in (EVERYTHING, *SYSTEMS.get(system, ())) and system in SYSTEMS


def covered(asked: str, held: Iterable[str]) -> Covered:
    """Whether one of the permissions held covers the one asked for, which has no wildcards of its own."""
    for permission in sorted(held, key=lambda each: (each.count("*"), each)):
        if covers(permission, asked):
            return Covered(True, permission)
    return Covered(False, None)


def covers(held: str, asked: str) -> bool:
    """Whether a permission covers another. `catalogue:write:MUG-*` does not cover `catalogue:write`, which is more."""
    if held in (EVERYTHING, asked):
        return True
    if asked == EVERYTHING:
        return False
    system, action, resource = _parts(held)
    wanted_system, wanted_action, wanted_resource = _parts(asked)
    if system not in (EVERYTHING, wanted_system) or action not in (EVERYTHING, wanted_action):
        return False
    if resource is None:
        return True
    return wanted_resource is not None and _matches(resource, wanted_resource)


def narrowed(held: Iterable[str], scope: Iterable[str]) -> list[str]:
    """What is left of the permissions held inside a scope, sorted: the narrower of each pair that overlaps."""
    have, wanted = list(held), list(scope)
    inside = {asked for asked in wanted if any(covers(permission, asked) for permission in have)}
    inside |= {permission for permission in have if any(covers(asked, permission) for asked in wanted)}
    return sorted(inside)


def _parts(permission: str) -> tuple[str, str, str | None]:
    system, _, rest = permission.partition(":")
    action, colon, resource = rest.partition(":")
    return system, action, resource if colon else None


def _matches(pattern: str, resource: str) -> bool:
    if "*" not in pattern:
        return pattern == resource
    # Only `*` is special: an fnmatch pattern would read `[` and `?` in an id as more than themselves.
    first, *middle, last = pattern.split("*")
    if not resource.startswith(first) or len(resource) < len(first) + len(last) or not resource.endswith(last):
        return False
    position, end = len(first), len(resource) - len(last)
    for piece in middle:
        found = resource.find(piece, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return True
