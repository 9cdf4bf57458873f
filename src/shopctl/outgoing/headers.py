"""Header fields of outgoing calls: only such that say one thing to everybody on the way."""

from __future__ import annotations

import re
from collections.abc import Mapping

from shopctl.outgoing.errors import HeaderRefused

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
# What frames the message or belongs to the connection is not a caller's to say (request smuggling).
_OURS = frozenset(
    "host content-length transfer-encoding connection keep-alive upgrade te trailer expect accept-encoding".split()
)
_HARMLESS = frozenset({"accept", "accept-language", "user-agent", "content-type"})


def checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The fields with their names in lower case. Raises HeaderRefused."""
    checked: dict[str, str] = {}
    for name, value in headers.items():
        lowered = name.lower()
        if not _TOKEN.fullmatch(name):
            raise HeaderRefused(name=repr(name), reason="that is no name of a header")
        if lowered in _OURS or lowered.startswith("proxy-"):
            raise HeaderRefused(name=name, reason="it is set by the connection itself")
        if lowered in checked:
            raise HeaderRefused(name=name, reason="it stands there twice")
        # The value is not shown: it may be a secret.
        if not value.isascii() or not all(" " <= character <= "~" or character == "\t" for character in value):
            raise HeaderRefused(name=name, reason="its value holds something else than printable ASCII")
        checked[lowered] = value.strip()
    return checked


def without_credentials(headers: Mapping[str, str]) -> dict[str, str]:
    """What may be told to another host than the one these fields were meant for: nothing that may be a secret."""
    return {name: value for name, value in headers.items() if name in _HARMLESS}
