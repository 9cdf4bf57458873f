"""A shop that requires a login, and its users; what is not itself under test is arranged in this process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shopctl.auth.tokens import Tokens
from shopctl.bootstrap import Services
from shopctl.cli.identity import kept
from shopctl.cli.kept_login import LoginFile
from shopctl.kernel.settings import load_settings
from support.shop import Result, Shop

PASSWORD = "violet tractor umbrella 77"
NOBODY = "postgresql://127.0.0.1:1/nowhere?connect_timeout=2"
"""An Authentication Database that does not answer."""


class Guarded:
    """A shop with `cli.require_login = true`; `owner` may do everything."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        settings = shop.folder / "shopctl.toml"
        settings.write_text(f"{settings.read_text()}\ncli.require_login = true\nauth.password.bcrypt_cost = 10\n")
        self.settings = load_settings(shop.folder, {})
        file = LoginFile.of(self.settings, shop.environment())
        assert file is not None
        self.file = file

    @contextmanager
    def services(self) -> Iterator[Services]:
        """The shop's services, for as long as the block."""
        services = Services(self.settings)
        try:
            yield services
        finally:
            services.close()

    def add(self, name: str, *permissions: str) -> None:
        with self.services() as services:
            services.users.add_person(name, PASSWORD, email=None, permissions=permissions)

    def tokens(self, name: str) -> Tokens:
        """Tokens of a new session."""
        with self.services() as services:
            return services.tokens.issue_to_user(name, PASSWORD, source="test")

    def logged_in(self, name: str, *permissions: str) -> Tokens:
        """Add a user and keep a login of his, as `shopctl login` does."""
        self.add(name, *permissions)
        issued = self.tokens(name)
        self.file.prepare()
        with self.services() as services:
            self.file.write(kept(issued, name, services.users.show(name)["user_id"], services.clock.now()))
        return issued

    def expire(self) -> None:
        """Have the access token of the login look expired."""
        found = self.file.read()
        assert found is not None
        self.file.write(found._replace(expires_at=0))

    def run(self, *words: str | Path, token: str | None = None, expect: int | None = 0, **options: Any) -> Result:
        env = dict(options.pop("env", {})) | ({"SHOPCTL_TOKEN": token} if token is not None else {})
        return self.shop.run(*words, expect=expect, env=env, **options)

    def stored(self) -> dict[str, Any]:
        """The login's file, as it lies there."""
        found: dict[str, Any] = json.loads(self.file.path.read_text())
        return found
