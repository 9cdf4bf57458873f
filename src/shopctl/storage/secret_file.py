"""Files of secrets, private to their owner: a line for each, PREFIX + 64 hexadecimal digits; the last one is in use."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import NamedTuple

from shopctl.kernel.errors import ShopctlError
from shopctl.kernel.redaction import remember_secret
from shopctl.storage.files import check_private, write_private

BYTES = 32  # of HMAC-SHA-256, as long as its output (RFC 2104, section 3), and of AES-256


class Refusals(NamedTuple):
    """The errors of one kind of file, made of its path, and of a reason or the number of a line."""

    missing: Callable[[str], ShopctlError]
    unreadable: Callable[[str, str], ShopctlError]
    invalid: Callable[[str, int], ShopctlError]


class Key(NamedTuple):
    """A key of 32 random bytes; `id` is what is written down of it, 16 hexadecimal digits."""

    id: str
    secret: bytes


class Keys:
    """All keys of a file: `current` is used for what is new, `find` gives the one that was used.

    A key's id is derived from it and from what it is for, so that it cannot be mislabelled.
    """

    def __init__(self, keys: list[Key]) -> None:
        self.current = keys[-1]
        self.ids = [key.id for key in keys]
        self._by_id = {key.id: key for key in keys}

    @classmethod
    def of(cls, secrets: list[bytes], purpose: str) -> Keys:
        """These secrets as keys of one purpose."""
        label = f"shopctl {purpose} key id\0".encode()
        return cls([Key(hashlib.sha256(label + secret).hexdigest()[:16], secret) for secret in secrets])

    def find(self, key_id: str) -> Key | None:
        """The key of this id, None when it is not in the file."""
        return self._by_id.get(key_id)


def secrets_in(path: str | os.PathLike[str], prefix: str, refusals: Refusals) -> list[bytes]:
    """Every secret of a file, the current one last. Raises what `refusals` make, PermissionsTooOpen."""
    place = os.fspath(path)
    try:
        with open(place, encoding="ascii") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        raise refusals.missing(place) from None
    except OSError as error:
        raise refusals.unreadable(place, error.strerror or str(error)) from None
    except UnicodeDecodeError:
        raise refusals.invalid(place, 1) from None
    check_private(place)
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        secret = _secret(line.strip(), prefix)
        if secret is None:
            raise refusals.invalid(place, number)
        found.append(secret)
    if not found:
        raise refusals.invalid(place, 1)
    return found


def create_secret(path: str | os.PathLike[str], prefix: str) -> bool:
    """Make a file with one secret of random bytes unless it is there; whether it was made. The folder must exist."""
    place = os.fspath(path)
    if os.path.exists(place):
        return False
    draft = f"{place}.{os.getpid()}.new"
    write_secrets(draft, prefix, [os.urandom(BYTES)])
    try:
        os.link(draft, place)  # never over another's: two may be at it at once
    except FileExistsError:
        return False
    finally:
        os.unlink(draft)
    return True


def write_secrets(path: str | os.PathLike[str], prefix: str, secrets: list[bytes]) -> None:
    """Put these into the file, in place of what was there."""
    write_private(os.fspath(path), "".join(f"{prefix}{secret.hex()}\n" for secret in secrets).encode())


def _secret(line: str, prefix: str) -> bytes | None:
    digits = line.removeprefix(prefix)
    try:
        secret = bytes.fromhex(digits)
    except ValueError:
        return None
    if len(secret) != BYTES or digits == line:
        return None
    remember_secret(digits)
    return secret
