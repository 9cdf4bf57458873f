"""Who calls: by the token of --token-file, else that of SHOPCTL_TOKEN, else the login that is kept."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from shopctl.auth.errors import InvalidGrant
from shopctl.auth.jose.errors import TokenRefused
from shopctl.auth.system import SECOND
from shopctl.auth.verifying import Caller, PermissionMissing
from shopctl.cli.kept_login import KeptLogin, LoginFile
from shopctl.kernel.clock import Instant
from shopctl.kernel.errors import NotAllowed

if TYPE_CHECKING:
    from shopctl.auth.tokens import Tokens
    from shopctl.cli.shop import Shop

VARIABLE = "SHOPCTL_TOKEN"
EARLY = 5 * SECOND
"""An access token that ends sooner than this is not begun with."""


class NotLoggedIn(NotAllowed):
    """Nobody is logged in here."""

    code = "login.missing"
    hint = "Log in with: shopctl login; a script gives its token in SHOPCTL_TOKEN, or with --token-file FILE."


class LoginEnded(TokenRefused):
    """The login holds no more: {reason}."""

    hint = "Log in again with: shopctl login"


class Identity(NamedTuple):
    """Who calls, and where that was found: `--token-file FILE`, `environment SHOPCTL_TOKEN` or `login`."""

    caller: Caller
    source: str


def identified(shop: Shop, permissions: Sequence[str] = (), *, renew: bool = True) -> Identity:
    """Who calls, with all of these permissions.

    The access token of a login is renewed when it has expired, and once more when it is refused: what was granted or
    taken since shows in the new one. Raises NotLoggedIn, TokenRefused, PermissionMissing.
    """
    if (given := given_token(shop)) is not None:
        return Identity(_caller(shop, given[0], permissions), given[1])
    file = LoginFile.of(shop.settings, shop.environ)
    login = file.read() if file is not None else None
    if file is None or login is None:
        raise NotLoggedIn()
    fresh = False
    if renew and login.expires_at - EARLY <= shop.services.clock.now():
        login, fresh = _renewed(shop, file, login), True
    try:
        return Identity(_caller(shop, login.access_token, permissions), "login")
    except (TokenRefused, PermissionMissing):
        if fresh or not renew:
            raise
        login = _renewed(shop, file, login)
    return Identity(_caller(shop, login.access_token, permissions), "login")


def given_token(shop: Shop) -> tuple[str, str] | None:
    """The token that was given for this command, and where; None to go by the login. Raises SecretUnreadable."""
    from shopctl.cli import secrets

    if (path := shop.globals.token_file) is not None:
        if os.path.isfile(path) and os.stat(path).st_mode & 0o077:
            shop.warn(f"{path} can be read by others: chmod 600 it")
        return secrets.from_file(Path(path), "token").strip(), f"--token-file {path}"
    if token := shop.environ.get(VARIABLE, "").strip():
        return secrets.remembered(token), f"environment {VARIABLE}"
    return None


def kept(tokens: Tokens, user: str, user_id: str, now: Instant) -> KeptLogin:
    """A login as it is kept."""
    assert tokens.refresh_token is not None
    return KeptLogin(user, user_id, tokens.access_token, now + tokens.expires_in * SECOND, tokens.refresh_token)


def _caller(shop: Shop, token: str, permissions: Sequence[str]) -> Caller:
    caller = shop.services.verification.caller(token)
    for permission in permissions:
        caller.require(permission)
    return caller


def _renewed(shop: Shop, file: LoginFile, stale: KeptLogin) -> KeptLogin:
    """The login with a new access token: of several processes one refreshes, and the others read what it got.

    A refresh token used twice ends the session (RFC 9700, section 4.14.2), so a process that is killed must not leave
    one without its successor: the successor is chosen and kept first. Who comes next uses it if it was handed out, and
    else the former one, which then was not used.
    """
    from shopctl.auth.tokens import new_refresh_token

    tokens = shop.services.tokens
    with file.alone():
        present = file.read()
        if present is None:
            raise NotLoggedIn()
        if present.access_token != stale.access_token:
            return present
        if present.next_refresh_token is not None and tokens.knows_refresh(present.next_refresh_token):
            present = present._replace(refresh_token=present.next_refresh_token)
        successor = new_refresh_token()
        file.write(present._replace(next_refresh_token=successor))
        try:
            issued = tokens.refresh(present.refresh_token, successor=successor)
        except InvalidGrant as refused:
            raise LoginEnded("revoked", str(refused.facts["reason"])) from None
        login = kept(issued, present.user, present.user_id, shop.services.clock.now())
        file.write(login)
    return login
