"""One row of a file of users: its cells as what they mean, or why they cannot mean anything."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from shopctl.auth.hash_forms import OWN_PREFIX, kind_of
from shopctl.auth.importing.errors import (
    NobodyNamed,
    NotAList,
    NotAMoment,
    NotOneOf,
    PlainPassword,
    ServiceWithPassword,
)
from shopctl.auth.password_errors import HashTooCostly, UnknownHash
from shopctl.auth.permissions import checked_all
from shopctl.authdb.model import Kind, State, checked_email, checked_name, name_key
from shopctl.kernel import clock
from shopctl.kernel.clock import Instant
from shopctl.kernel.errors import ShopctlError
from shopctl.records.rejects import Reject

_STATES: dict[str, State] = {"active": "active", "enabled": "active", "disabled": "disabled", "inactive": "disabled"}
_YES = {"true": True, "1": True, "yes": True, "t": True, "false": False, "0": False, "no": False, "f": False}
_KINDS: dict[str, Kind] = {"person": "person", "service": "service"}
_SEPARATOR = re.compile(r"[\s,|]+")
_EPOCH = re.compile(r"\d{9,13}", re.ASCII)
_FIRST_OF_MILLISECONDS = 10**11  # what is less counts seconds, until the year 5138


class UserRow(NamedTuple):
    """What a row says of a user; None where it says nothing. One of `name` and `email` is there.

    `hash_kind` is what the census counts. All values are plain, so that a row can be marshalled.
    """

    name: str | None
    name_key: str | None
    email: str | None
    hash: str | None
    hash_kind: str
    origin: str | None
    roles: tuple[str, ...] | None
    permissions: tuple[str, ...] | None
    kind: Kind | None
    state: State | None
    created_at: Instant | None
    last_login_at: Instant | None

    @property
    def own_hash(self) -> bool:
        """Whether the hash holds only with the pepper of the shop that made it."""
        return self.hash is not None and self.hash.startswith(OWN_PREFIX)


class BadRow(Exception):
    """A row that cannot be taken: the column, and the error that says why."""

    def __init__(self, field: str, why: ShopctlError) -> None:
        super().__init__(field)
        self.field = field
        self.why = why

    def reject(self, line: int, cells: Sequence[str]) -> Reject:
        """The same for the rejects file."""
        return Reject(line, self.field, self.why.code, f"{self.why.message} {self.why.advice}".strip(), cells)


class RowReader:
    """Reads rows; a role whose name holds a blank can stand alone in its cell if it is among the `roles` there are."""

    def __init__(self, roles: Collection[str] = ()) -> None:
        self._roles = frozenset(roles)
        self._readers: dict[str, Callable[[str], Any]] = {
            "username": _name,
            "email": checked_email,
            "password_hash": _hash,
            "password": _hash_not_password,
            "password_origin": str,
            "roles": lru_cache(4096)(self._role_names),
            "permissions": lru_cache(4096)(_permissions),
            "kind": lambda text: _word(text, _KINDS),
            "state": lambda text: _word(text, _STATES),
            "enabled": lambda text: "active" if _word(text, _YES) else "disabled",
            "disabled": lambda text: "disabled" if _word(text, _YES) else "active",
            "created_at": moment,
            "last_login_at": moment,
        }

    def read(self, values: Mapping[str, str]) -> UserRow:
        """What a row says, its texts given by column (see `columns.SPELLINGS`). Raises BadRow."""
        said: dict[str, Any] = {}
        readers = self._readers
        for column, text in values.items():
            if text and (text := text.strip()):
                try:
                    said[column] = readers[column](text)
                except ShopctlError as why:
                    raise BadRow(column, why) from None
        get = said.get
        name, email, kind = get("username"), get("email"), get("kind")
        hashed, hash_kind = get("password_hash") or get("password") or (None, "")
        if name is None and email is None:
            raise BadRow("username", NobodyNamed())
        if hashed is not None and kind == "service":
            raise BadRow("kind", ServiceWithPassword())
        # Whichever says that somebody is kept out counts.
        states = get("state"), get("enabled"), get("disabled")
        state: State | None = "disabled" if "disabled" in states else "active" if "active" in states else None
        return UserRow(
            name, name_key(name) if name else None, email, hashed, hash_kind, get("password_origin"), get("roles"),
            get("permissions"), kind, state, get("created_at"), get("last_login_at"),
        )  # fmt: skip

    def _role_names(self, text: str) -> tuple[str, ...]:
        return (text,) if text in self._roles else _list(text)


def moment(text: str) -> Instant:
    """RFC 3339, a date, or (Keycloak) seconds or milliseconds since 1970. Raises NotAMoment."""
    if text.isdigit() and _EPOCH.fullmatch(text):
        number = int(text)
        return number * 1_000_000 if number < _FIRST_OF_MILLISECONDS else number * 1_000
    try:
        if text[:1].isdigit() and not text.endswith("ago"):
            return clock.parse(text)
    except clock.NotATime:
        pass
    raise NotAMoment(text=text[:40])


def names_cell(names: Collection[str]) -> str:
    """Names as one cell that is read as exactly these: separated by blanks, a JSON list where that would not do."""
    if any(_SEPARATOR.search(name) or name.startswith("[") for name in names):
        return json.dumps(list(names), ensure_ascii=False)
    return " ".join(names)


def _name(text: str) -> str:
    # Whether an address is a user's own shows when his row is set against what is stored.
    return checked_name(text, text)


def _hash(text: str) -> tuple[str, str]:
    return text, " ".join(kind_of(text))


def _hash_not_password(text: str) -> tuple[str, str]:
    # Django calls the column of its hashes so.
    try:
        return _hash(text)
    except HashTooCostly:
        raise
    except UnknownHash:
        raise PlainPassword() from None


def _permissions(text: str) -> tuple[str, ...]:
    return checked_all(_list(text))


def _list(text: str) -> tuple[str, ...]:
    if not text.startswith("["):
        return tuple(sorted({name for name in _SEPARATOR.split(text) if name}))
    try:
        names = json.loads(text)
    except (ValueError, RecursionError):
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise NotAList(text=text[:40])
    return tuple(sorted({name.strip() for name in names if name.strip()}))


def _word(text: str, words: Mapping[str, Any]) -> Any:
    try:
        return words[text.casefold()]
    except KeyError:
        raise NotOneOf(text=text[:40], words=", ".join(words)) from None
