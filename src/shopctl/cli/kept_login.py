"""A login between two commands: its tokens in a file of its own for each Authentication Database, private to its owner.

What `shopctl login` got is kept in `$XDG_STATE_HOME/shopctl`, mode 0600 in a folder of mode 0700.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from shopctl.kernel.clock import Instant
from shopctl.kernel.errors import Locked, NotAllowed
from shopctl.kernel.redaction import mask_url, remember_secret
from shopctl.kernel.settings import Settings
from shopctl.kernel.settings_sources import user_state
from shopctl.storage.files import check_private, make_private_folder, write_private
from shopctl.storage.process_lock import PAUSE, try_lock

WAIT = 30.0  # seconds
_FORMAT = "shopctl login 1"
_NEXT = "next_refresh_token"


class LoginUnreadable(NotAllowed):
    """The login kept in {path} cannot be read: {reason}."""

    code = "login.unreadable"
    hint = "Log in again with: shopctl login"


class LoginNotKept(NotAllowed):
    """The login cannot be kept in {path}: {reason}."""

    code = "login.not_kept"
    hint = "Make it a folder that you may write to, or name another in XDG_STATE_HOME."


class LoginBusy(Locked):
    """Another process is at the login kept in {path}."""

    code = "login.busy"
    hint = "Try again."


class KeptLogin(NamedTuple):
    """What is kept: who it is, the access token with its end, and the refresh token that is good for the next ones.

    `next_refresh_token` is there while the next ones are being fetched: it will replace the refresh token.
    """

    user: str
    user_id: str
    access_token: str
    expires_at: Instant
    refresh_token: str
    next_refresh_token: str | None = None


class LoginFile:
    """Where the login to one Authentication Database is kept."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, settings: Settings, environ: Mapping[str, str]) -> LoginFile | None:
        """The file of this shop's Authentication Database, for this user; None for one without a home."""
        folder = user_state(environ)
        if folder is None:
            return None
        # Without its password, which may change; a digest, since the rest is nobody's business either.
        digest = hashlib.sha256(mask_url(settings.auth_database_url).encode()).hexdigest()[:32]
        return cls(folder / f"login-{digest}.json")

    def read(self) -> KeptLogin | None:
        """The login; None when there is none. Raises PermissionsTooOpen, LoginUnreadable."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LoginUnreadable(path=self.path, reason=_reason(error)) from None
        check_private(str(self.path.parent))
        check_private(str(self.path))
        try:
            fields = json.loads(content)
            kept = KeptLogin(**{name: fields[name] for name in KeptLogin._fields if name != _NEXT or name in fields})
            if fields["format"] != _FORMAT or type(kept.expires_at) is not int:
                raise ValueError
        except (ValueError, KeyError, TypeError, RecursionError):
            raise LoginUnreadable(path=self.path, reason="it is not what shopctl login has written") from None
        remember_secret(kept.access_token)
        remember_secret(kept.refresh_token)
        if kept.next_refresh_token is not None:
            remember_secret(kept.next_refresh_token)
        return kept

    def write(self, login: KeptLogin) -> None:
        """Keep a login instead of the former one; whole or not at all. Raises LoginNotKept."""
        content = json.dumps({"format": _FORMAT, **login._asdict()}, indent=2) + "\n"
        try:
            write_private(str(self.path), content.encode())
        except OSError as error:
            raise LoginNotKept(path=self.path, reason=_reason(error)) from None

    def remove(self) -> bool:
        """Forget the login; whether there was one."""
        try:
            self.path.unlink()
        except FileNotFoundError:
            return False
        return True

    def prepare(self) -> None:
        """Make its folder. Raises LoginNotKept, PermissionsTooOpen."""
        try:
            make_private_folder(str(self.path.parent))
        except OSError as error:
            raise LoginNotKept(path=self.path.parent, reason=_reason(error)) from None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes out: a refresh token that two of them use ends the session.

        Raises LoginNotKept, LoginBusy, PermissionsTooOpen.
        """
        self.prepare()
        try:
            lock = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise LoginNotKept(path=self.path.parent, reason=_reason(error)) from None
        try:
            deadline = time.monotonic() + WAIT
            while not try_lock(lock):
                if time.monotonic() > deadline:
                    raise LoginBusy(path=self.path)
                time.sleep(PAUSE)
            for draft in self.path.parent.glob(f"{self.path.name}.*.tmp"):
                draft.unlink(missing_ok=True)  # tokens that a process left which was killed at writing them
            yield
        finally:
            os.close(lock)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
