"""`shopctl login`, `logout` and `whoami`: who you are to the shop, from one command to the next."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from shopctl.cli import secrets
from shopctl.cli.options import Context
from shopctl.cli.secrets import PasswordFile

if TYPE_CHECKING:
    from shopctl.auth.tokens import Tokens
    from shopctl.cli.kept_login import LoginFile
    from shopctl.cli.shop import Shop

Name = Annotated[str | None, typer.Argument(metavar="NAME", help="Your name or e-mail address; else it is asked.")]
PasswordAndCode = Annotated[
    bool,
    typer.Option("--password-stdin", help="Read the password from standard input; a one-time code on the second line."),
]


def login(
    ctx: Context, name: Name = None, password_stdin: PasswordAndCode = False, password_file: PasswordFile = None
) -> None:
    """Log in with a password, and a one-time code where the account asks for one; in force until `shopctl logout`."""
    from shopctl.cli.identity import given_token, kept
    from shopctl.cli.kept_login import LoginFile, LoginNotKept

    shop = ctx.obj
    services = shop.services
    file = LoginFile.of(shop.settings, shop.environ)
    if file is None:
        raise LoginNotKept(path="your home", reason="HOME names none")
    who = name or shop.answer("Name", flag="NAME")
    password, code = secrets.password_and_code(shop, password_stdin, password_file, question=f"Password of {who}")
    file.prepare()  # before a session is begun in vain
    tokens = _proven(shop, who, password, code)
    caller = services.verification.caller(tokens.access_token)
    with file.alone():
        _end(shop, file)
        file.write(kept(tokens, caller.name, caller.user_id, services.clock.now()))
    shop.show(
        {"user": caller.name, "user_id": caller.user_id, "session_id": caller.session_id},
        text=f"Logged in as {caller.name}.",
    )
    if given := given_token(shop):
        shop.warn(f"another token goes before this login: {given[1]}")


def logout(ctx: Context) -> None:
    """End the login: its tokens are refused from now on, and forgotten here. Safe to repeat."""
    from shopctl.cli.kept_login import LoginFile

    shop = ctx.obj
    file = LoginFile.of(shop.settings, shop.environ)
    if file is None or not file.path.exists():
        shop.show({"user": None, "logged_out": False}, text="Nobody was logged in.")
        return
    with file.alone():
        user = _end(shop, file)
        found = file.remove()
    shop.show({"user": user, "logged_out": found}, text=f"Logged out{f', {user}' if user else ''}.")


def whoami(ctx: Context) -> None:
    """Show who you are, what you may do, until when, and how shopctl knows; exit 4 when nobody is logged in."""
    from shopctl.cli.identity import identified
    from shopctl.kernel import clock

    shop = ctx.obj
    caller, source = identified(shop)
    shop.show(
        {
            "user": caller.name,
            "user_id": caller.user_id,
            "roles": caller.roles,
            "permissions": caller.permissions,
            "source": source,
            "token_expires_at": clock.show(caller.token_expires_at),
            "session_id": caller.session_id,
            "session_expires_at": clock.show(caller.session_expires_at),
        }
    )


def _proven(shop: Shop, who: str, password: str, code: str | None) -> Tokens:
    """The tokens of a new session; where the code alone is missing, it is asked for."""
    from shopctl.auth.errors import CodeNeeded
    from shopctl.cli.token import source

    tokens, place = shop.services.tokens, source(shop.environ)
    try:
        return tokens.issue_to_user(who, password, code=code, source=place)
    except CodeNeeded:
        if not shop.interactive:
            raise
    code = secrets.remembered(shop.secret("One-time code", flag="--password-stdin"))
    return tokens.issue_to_user(who, password, code=code, source=place)


def _end(shop: Shop, file: LoginFile) -> str | None:
    """End the session of the login that is kept, if there is one, and say whose it was."""
    from shopctl.auth.errors import TokenNotFound
    from shopctl.cli.kept_login import LoginUnreadable

    try:
        present = file.read()
    except LoginUnreadable as unreadable:
        shop.warn(f"{unreadable.message} It is forgotten.")
        return None
    if present is None:
        return None
    with suppress(TokenNotFound):  # a database that knows nothing of it refuses it anyway
        shop.services.tokens.revoke(present.refresh_token)
    return present.user
