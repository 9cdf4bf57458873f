"""Files of key-encryption keys, private to their owner: made, read, given another key, rid of the former ones.

A file holds a line `shopctl-kek-1:` + 64 hexadecimal digits for each key; the last one wraps, all unwrap. So a
database passes to another key by adding a line, resealing, and dropping the former lines; who runs meanwhile reads the
file again.
"""

from __future__ import annotations

import os

from shopctl.kernel.redaction import remember_secret
from shopctl.storage.files import check_private, write_private
from shopctl.storage.key_encryption import SoftwareKey
from shopctl.storage.sealed_text import KEY_BYTES
from shopctl.storage.sealing_errors import KekInvalid, KekMissing, KekUnreadable

_PREFIX = "shopctl-kek-1:"


def keys_in_file(path: str | os.PathLike[str]) -> list[SoftwareKey]:
    """Every key of a file, the current one last. Raises KekMissing, KekUnreadable, KekInvalid, PermissionsTooOpen."""
    return [_key(path, line) for line in _lines(path)]


def create_kek(path: str | os.PathLike[str]) -> bool:
    """Make a key of random bytes unless the file is there; whether one was made. The folder must exist."""
    place = os.fspath(path)
    if os.path.exists(place):
        return False
    draft = f"{place}.{os.getpid()}.new"
    write_private(draft, _text([_fresh()]))
    try:
        os.link(draft, place)  # never over another's key: two may be making the shop at once
    except FileExistsError:
        return False
    finally:
        os.unlink(draft)
    return True


def add_kek(path: str | os.PathLike[str]) -> SoftwareKey:
    """Add a key of random bytes, which is the current one from now on. Raises what `keys_in_file` raises."""
    lines = [*_lines(path), _fresh()]
    write_private(os.fspath(path), _text(lines))
    return _key(path, lines[-1])


def drop_former_keks(path: str | os.PathLike[str]) -> int:
    """Keep the current key alone; how many were dropped. Nothing may be wrapped under those any more."""
    lines = _lines(path)
    if len(lines) > 1:
        write_private(os.fspath(path), _text(lines[-1:]))
    return len(lines) - 1


def _lines(path: str | os.PathLike[str]) -> list[str]:
    place = os.fspath(path)
    try:
        with open(place, encoding="ascii") as file:
            lines = [line.strip() for line in file if line.strip()]
    except FileNotFoundError:
        raise KekMissing(source=f"file:{place}") from None
    except OSError as error:
        raise KekUnreadable(source=f"file:{place}", reason=error.strerror) from None
    except UnicodeDecodeError:
        raise KekInvalid(source=f"file:{place}") from None
    check_private(place)
    if not lines:
        raise KekInvalid(source=f"file:{place}")
    return lines


def _key(path: str | os.PathLike[str], line: str) -> SoftwareKey:
    digits = line.removeprefix(_PREFIX)
    try:
        secret = bytes.fromhex(digits)
    except ValueError:
        secret = b""
    if len(secret) != KEY_BYTES or digits == line:
        raise KekInvalid(source=f"file:{os.fspath(path)}")
    remember_secret(digits)
    return SoftwareKey(secret)


def _fresh() -> str:
    return _PREFIX + os.urandom(KEY_BYTES).hex()


def _text(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
