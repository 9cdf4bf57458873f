"""Where the credentials of actions come from: a definition names the source, never the secret itself (S18)."""

from __future__ import annotations

import os
import re

from shopctl.kernel.errors import NotFound, RemoteFailed, UsageError, one_line
from shopctl.kernel.redaction import redact, remember_secret

_SOURCE = re.compile(r"(env:[A-Za-z_][A-Za-z0-9_]*|file:.+|keyring:.+/.+)")
_SCHEMES = ("env", "file", "keyring")
_LONGEST = 64 << 10


class SecretSourceUnknown(UsageError):
    """{source} does not say where a secret comes from."""

    code = "provisioning.secret_source"
    hint = "Write env:NAME, file:PATH (mode 0600) or keyring:SERVICE/NAME; never the secret itself."


class SecretMissing(NotFound):
    """The secret {source} is not there."""

    code = "provisioning.secret_missing"
    hint = "Put it there for the user and on the machine that the worker runs as and on."


class SecretUnreadable(RemoteFailed):
    """The secret {source} cannot be read: {reason}."""

    code = "provisioning.secret_unreadable"
    hint = "See whether the worker may read it."


def is_source(text: str) -> bool:
    """Whether a text says where a secret comes from."""
    return _SOURCE.fullmatch(text) is not None


class Secrets:
    """Fetches secrets when they are needed, and has `redact` know them; relative files lie in `folder`."""

    def __init__(self, folder: str = ".") -> None:
        self._folder = folder

    def get(self, source: str) -> str:
        """The secret. Raises SecretSourceUnknown, SecretMissing, SecretUnreadable, PermissionsTooOpen."""
        if not is_source(source):
            # Somebody may have written the secret itself where its source belongs.
            scheme = source.partition(":")[0]
            raise SecretSourceUnknown(source=f"{scheme}:…" if scheme in _SCHEMES else "…")
        scheme, _, name = source.partition(":")
        found = {"env": self._environment, "file": self._file, "keyring": self._keyring}[scheme](name)
        if not found:
            raise SecretMissing(source=source)
        remember_secret(found)
        return found

    def _environment(self, name: str) -> str | None:
        return os.environ.get(name)

    def _file(self, name: str) -> str | None:
        from shopctl.storage.files import check_private

        path = os.path.join(self._folder, os.path.expanduser(name))
        try:
            with open(path, encoding="utf-8") as file:
                check_private(path)
                return file.read(_LONGEST).rstrip("\r\n")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SecretUnreadable(source=f"file:{name}", reason=error.strerror) from None
        except UnicodeDecodeError:
            raise SecretUnreadable(source=f"file:{name}", reason="it is no text in UTF-8") from None

    def _keyring(self, name: str) -> str | None:
        service, _, user = name.rpartition("/")
        try:
            import keyring
        except ImportError:
            raise SecretUnreadable(
                source=f"keyring:{name}", reason="the package keyring is not installed (pip install 'shopctl[keyring]')"
            ) from None
        try:
            found: str | None = keyring.get_password(service, user)
        except Exception as raised:  # every backend has its own
            reason = one_line(redact(str(raised))) or type(raised).__name__
            raise SecretUnreadable(source=f"keyring:{name}", reason=reason) from None
        return found
