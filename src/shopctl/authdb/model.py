"""What the Authentication Database is about: accounts and how their names and addresses are compared."""

from __future__ import annotations

import unicodedata
from typing import Literal, NamedTuple

from shopctl.kernel.clock import Instant
from shopctl.kernel.email import InvalidEmail as InvalidEmail
from shopctl.kernel.email import checked_email as checked_email
from shopctl.kernel.email import email_key as email_key
from shopctl.kernel.errors import InvalidData

Kind = Literal["person", "service"]
State = Literal["active", "disabled"]
LONGEST_NAME = 128


class InvalidName(InvalidData):
    """{name!r} cannot be a name: {reason}."""

    code = "auth.invalid_name"
    hint = "A name has 1 to 128 printable characters and no blanks at its ends, as in anna or anna.muster."


class Account(NamedTuple):
    """A user as stored, its sealed columns opened."""

    id: str
    name: str
    kind: Kind
    state: State
    email: str | None
    token_epoch: int
    version: int
    created_at: Instant
    updated_at: Instant
    last_login_at: Instant | None


def checked_name(name: str, email: str | None = None) -> str:
    """The name of a user, NFC; one that looks like an address must be his own. Raises InvalidName."""
    if not name.isascii():
        name = unicodedata.normalize("NFC", name)
    if not name or len(name) > LONGEST_NAME:
        raise InvalidName(name=name[:40], reason="it is empty" if not name else "it is too long")
    if not name.isprintable() or name != name.strip():
        raise InvalidName(name=name, reason="it has blanks at its ends or characters that cannot be shown")
    # Users are looked up by name, address and id in one place: none may pass for another.
    if name.lower().startswith("usr_"):
        raise InvalidName(name=name, reason="it looks like an id")
    if "@" in name and (email is None or email_key(email) != email_key(name)):
        raise InvalidName(name=name, reason="it looks like an e-mail address that is not the user's own")
    return name


def name_key(name: str) -> str:
    """What two names are compared by: `Anna`, `anna` and `ａｎｎａ` are one."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
