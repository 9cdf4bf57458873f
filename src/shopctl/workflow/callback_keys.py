"""The key that signs callback URLs: a file outside the database, private to its owner, made at its first use.

It holds one line, `shopctl-callback-key-1:` + 64 hexadecimal digits. Where it is lost a new one is made, and URLs that
were handed out under the old one are refused.
"""

from __future__ import annotations

import os

from shopctl.kernel.errors import InvalidData, NotAllowed
from shopctl.kernel.redaction import remember_secret
from shopctl.storage.files import check_private, make_private_folder, write_private

_PREFIX = "shopctl-callback-key-1:"
_BYTES = 32  # of HMAC-SHA-256, as long as its output (RFC 2104, section 3)


class CallbackKeyInvalid(InvalidData):
    """{path} is not a key for callbacks."""

    code = "workflow.callback_key_invalid"
    hint = "Put the key back from its backup; or delete it, then a new one is made and URLs handed out are refused."


class CallbackKeyUnreadable(NotAllowed):
    """The key for callbacks at {path} cannot be used: {reason}."""

    code = "workflow.callback_key_unreadable"
    hint = "Check who owns the file and its folder."


def callback_key(path: str | os.PathLike[str]) -> bytes:
    """The key in this file, which is made where there is none.

    Raises CallbackKeyInvalid, CallbackKeyUnreadable, PermissionsTooOpen.
    """
    place = os.fspath(path)
    try:
        create_callback_key(place)
        with open(place, encoding="ascii") as file:
            line = file.read(1000).strip()
    except UnicodeDecodeError:
        raise CallbackKeyInvalid(path=place) from None
    except OSError as error:
        raise CallbackKeyUnreadable(path=place, reason=error.strerror) from None
    check_private(place)
    digits = line.removeprefix(_PREFIX)
    try:
        secret = bytes.fromhex(digits)
    except ValueError:
        secret = b""
    if len(secret) != _BYTES or digits == line:
        raise CallbackKeyInvalid(path=place)
    remember_secret(digits)
    return secret


def create_callback_key(path: str | os.PathLike[str]) -> bool:
    """Make a key of random bytes, and its folder, unless the file is there; whether one was made."""
    place = os.fspath(path)
    if os.path.exists(place):
        return False
    make_private_folder(os.path.dirname(place) or ".")
    draft = f"{place}.{os.getpid()}.new"
    write_private(draft, f"{_PREFIX}{os.urandom(_BYTES).hex()}\n".encode())
    try:
        os.link(draft, place)  # never over another's key: two may be at it at once
    except FileExistsError:
        return False
    finally:
        os.unlink(draft)
    return True
