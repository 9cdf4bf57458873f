"""The last owner: whoever alone has the permission `*` keeps it, or nobody could permit anything any more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shopctl.auth.errors import LastOwner
from shopctl.authdb import accounts, roles
from shopctl.storage.unit import Unit


@contextmanager
def owned(unit: Unit, verb: str, name: str, *, last: bool) -> Iterator[None]:
    """A change that may take `*` from somebody. Raises LastOwner when nobody is left who has it, unless `last`.

    `verb` and `name` say in the error what was asked for. To be entered before the unit locks an account: two at once
    could each take it from one of the last two owners.
    """
    roles.lock(unit)
    before = accounts.has_owner(unit)
    yield
    if before and not last and not accounts.has_owner(unit):
        raise LastOwner(verb=verb, name=name)
