"""The columns of a file of users, and how other systems' exports spell them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

SPELLINGS: dict[str, tuple[str, ...]] = {
    # What is written first is taken first: in an export of Auth0 `name` is the full name beside the user name.
    "username": ("username", "preferredusername", "login", "user", "name"),
    "email": ("email", "emailaddress", "mail"),
    "password_hash": ("passwordhash", "hashedpassword", "encryptedpassword", "passworddigest", "hash"),
    "password": ("password", "passwd", "plainpassword"),
    "password_origin": ("passwordorigin",),
    "roles": ("roles", "role", "realmroles"),
    "permissions": ("permissions", "permission"),
    "kind": ("kind",),
    "state": ("state", "status"),
    "enabled": ("enabled", "isactive", "active"),
    "disabled": ("disabled", "isdisabled", "blocked"),
    "created_at": ("createdat", "created", "createdtimestamp", "datejoined", "joinedat"),
    "last_login_at": ("lastloginat", "lastlogin"),
}
"""Spellings of each column in the order of their precedence, small and without anything but letters and digits."""

IDENTIFYING = ("username", "email")


class Naming(NamedTuple):
    """What the columns of a file mean: `columns` from their names to ours, and those that mean nothing here."""

    columns: dict[str, str]
    ignored: list[str]


def named(names: Sequence[str]) -> Naming:
    """What these columns mean; of several that mean the same the usual one counts, the others are ignored."""
    bare = {name: _bare(name) for name in names}
    columns: dict[str, str] = {}
    for column, spellings in SPELLINGS.items():
        found = [name for spelling in spellings for name in names if bare[name] == spelling]
        if found:
            columns[found[0]] = column
    return Naming(columns, [name for name in names if name not in columns])


def _bare(name: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", name).casefold() if c.isalnum())
