"""`shopctl user password`, `secret`, `hashes`: what users prove themselves by."""

from __future__ import annotations

from typing import Annotated

import typer

from shopctl.cli import secrets
from shopctl.cli.options import Context
from shopctl.cli.secrets import PasswordFile, PasswordStdin
from shopctl.cli.user_reports import User


def password(
    ctx: Context, name: User, password_stdin: PasswordStdin = False, password_file: PasswordFile = None
) -> None:
    """Give a person another password; all logins of that person end."""
    shop = ctx.obj
    given = secrets.password(shop, password_stdin, password_file, question=f"New password for {name}", twice=True)
    shop.show(shop.services.users.set_password(name, given))


def secret(ctx: Context, name: User) -> None:
    """Give a service a new secret, shown once; the old one ends."""
    shop = ctx.obj
    shop.show(shop.services.users.rotate_secret(name)._asdict())
    shop.note("The secret is shown this once.")


def hashes(
    ctx: Context,
    calibrate: Annotated[bool, typer.Option("--calibrate", help="Measure this machine and propose a cost.")] = False,
) -> None:
    """Count the passwords by the kind of their hash; foreign ones are upgraded at the next login."""
    shop = ctx.obj
    if calibrate:
        from shopctl.auth.hashing import calibrate as measure

        shop.show(measure()._asdict())
        return
    shop.show(shop.services.users.hashes(), columns=("kind", "passwords"), empty="no passwords")


def register(noun: typer.Typer) -> None:
    """Add these verbs to `shopctl user`."""
    noun.command()(password)
    noun.command()(secret)
    noun.command()(hashes)
