"""What the Authentication Database is about: accounts and how their names and addresses are compared."""

from __future__ import annotations

import unicodedata
from typing import Literal, NamedTuple

from shopctl.kernel.clock import Instant
from shopctl.kernel.errors import InvalidData

Kind = Literal["person", "service"]
State = Literal["active", "disabled"]
LONGEST_NAME = 128
LONGEST_EMAIL = 254  # RFC 5321, section 4.5.3.1.3, less its angle brackets


class InvalidName(InvalidData):
    """{name!r} cannot be a name: {reason}."""

    code = "auth.invalid_name"
    hint = "A name has 1 to 128 printable characters and no blanks at its ends, as in anna or anna.muster."


class InvalidEmail(InvalidData):
    """{email!r} is not an e-mail address."""

    code = "auth.invalid_email"
    hint = "Write it as anna@example.org."


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
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def checked_email(email: str) -> str:
    """An address, NFC. Raises InvalidEmail."""
    email = unicodedata.normalize("NFC", email.strip())
    local, at, domain = email.rpartition("@")
    fine = at and 0 < len(local) <= 64 and len(domain) > 0 and len(email) <= LONGEST_EMAIL
    if not fine or not email.isprintable() or any(c in email for c in ' <>,;:\\"()[]') or ".." in email:
        raise InvalidEmail(email=email[:64])
    if domain.startswith((".", "-")) or domain.endswith((".", "-")):
        raise InvalidEmail(email=email)
    return email


def email_key(email: str) -> str:
    """What two addresses are compared by; every provider that matters ignores case, also in the local part."""
    return unicodedata.normalize("NFC", email.casefold())
