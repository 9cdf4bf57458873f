"""`shopctl user password`, `secret`, `hashes`: what users prove themselves by."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shopctl.cli import secrets
from shopctl.cli.oneself import CurrentPasswordFile, prove_oneself
from shopctl.cli.options import Context
from shopctl.cli.secrets import PasswordFile, PasswordStdin, TwoSources
from shopctl.cli.user_reports import User
from shopctl.kernel.errors import UsageError


class OneAtATime(UsageError):
    """--enrol, --confirm, --recovery-codes and --remove are four different things."""

    code = "usage.one_at_a_time"
    hint = "Give one of them."


def password(
    ctx: Context,
    name: User,
    password_stdin: PasswordStdin = False,
    password_file: PasswordFile = None,
    current_password_file: CurrentPasswordFile = None,
) -> None:
    """Give a person another password; all logins of that person end.

    Where a login is required, everybody may change his own, with his present password.
    """
    shop = ctx.obj
    if current_password_file == Path("-") and (password_stdin or password_file == Path("-")):
        raise TwoSources(one="--current-password-file -", other="--password-stdin")
    prove_oneself(shop, name, current_password_file, with_factor=False)
    given = secrets.password(shop, password_stdin, password_file, question=f"New password for {name}", twice=True)
    changed = shop.services.users.set_password(name, given)
    secrets.tell_strength(shop, given, name)
    shop.show(changed)
    if shop.for_oneself:
        shop.note("Your logins ended with it. Log in again with: shopctl login")


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


def mfa(
    ctx: Context,
    name: User,
    enrol: Annotated[bool, typer.Option("--enrol", "--enroll", help="Show the secret of a new generator.")] = False,
    confirm: Annotated[bool, typer.Option("--confirm", help="Have its codes asked for from now on.")] = False,
    recovery_codes: Annotated[bool, typer.Option("--recovery-codes", help="Make new recovery codes.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Ask for no more codes.")] = False,
    code_stdin: Annotated[bool, typer.Option("--code-stdin", help="Read the code from standard input.")] = False,
    current_password_file: CurrentPasswordFile = None,
) -> None:
    """Show, enrol, confirm or remove the second factor of a person: one-time codes of a generator app.

    Enrolling shows a QR code for the app; at a terminal the first code is asked for at once. Until it is confirmed,
    nothing changes for logins. Where a login is required, everybody may change his own, with his present password
    and, once there is a second factor, a code of it.
    """
    from shopctl.cli.second_factor import change

    if sum((enrol, confirm, recovery_codes, remove)) > 1:
        raise OneAtATime()
    if enrol or recovery_codes or remove:  # to confirm takes the secret, which was shown to whoever enrolled
        prove_oneself(ctx.obj, name, current_password_file, with_factor=True)
    change(ctx.obj, name, enrol=enrol, confirm=confirm, recovery_codes=recovery_codes, remove=remove, stdin=code_stdin)


def register(noun: typer.Typer) -> None:
    """Add these verbs to `shopctl user`."""
    noun.command()(password)
    noun.command()(secret)
    noun.command()(hashes)
    noun.command()(mfa)
