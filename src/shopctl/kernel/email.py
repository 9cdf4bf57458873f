"""E-mail addresses: which are taken, and when two of them are one."""

from __future__ import annotations

import re
import unicodedata

from shopctl.kernel.errors import InvalidData

LONGEST_EMAIL = 254  # RFC 5321, section 4.5.3.1.3, less its angle brackets
_NEVER = re.compile(r'[ <>,;:\\"()\[\]]|\.\.')


class InvalidEmail(InvalidData):
    """{email!r} is not an e-mail address."""

    code = "email.invalid"
    hint = "Write it as name@example.org."


def checked_email(email: str) -> str:
    """An address, NFC. Raises InvalidEmail."""
    email = email.strip()
    if not email.isascii():
        email = unicodedata.normalize("NFC", email)
    local, at, domain = email.rpartition("@")
    fine = at and 0 < len(local) <= 64 and len(domain) > 0 and len(email) <= LONGEST_EMAIL
    if not fine or not email.isprintable() or _NEVER.search(email):
        raise InvalidEmail(email=email[:64])
    if domain.startswith((".", "-")) or domain.endswith((".", "-")):
        raise InvalidEmail(email=email)
    return email


def email_key(email: str) -> str:
    """What two addresses are compared by; every provider that matters ignores case, also in the local part."""
    return email.lower() if email.isascii() else unicodedata.normalize("NFC", email.casefold())
