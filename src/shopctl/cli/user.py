"""`shopctl user`: people and services, what they may do, and what they prove themselves by."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from shopctl.cli import secrets, user_credentials, user_feeds, user_reports
from shopctl.cli.options import Confirm, Context, Limit, Offset
from shopctl.cli.secrets import PasswordFile, PasswordStdin
from shopctl.cli.user_reports import Permissions, User
from shopctl.kernel.errors import UsageError

noun = typer.Typer(help="People and services, and what they may do.", no_args_is_help=True)

Roles = Annotated[list[str] | None, typer.Option("--role", metavar="ROLE", help="A role; repeatable.")]
Email = Annotated[str | None, typer.Option("--email", metavar="ADDRESS", help="The user's e-mail address.")]


class Kind(StrEnum):
    """What a user is."""

    person = "person"
    service = "service"


class State(StrEnum):
    """Whether a user gets in."""

    active = "active"
    disabled = "disabled"


class ServiceHasNoPassword(UsageError):
    """A service has a secret that is made for it, not a password."""

    code = "usage.service_password"
    hint = "Leave away --password-stdin and --password-file, or leave away --service."


@noun.command()
def add(
    ctx: Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the user is called.")],
    email: Email = None,
    password_stdin: PasswordStdin = False,
    password_file: PasswordFile = None,
    service: Annotated[bool, typer.Option("--service", help="A program: it gets a secret, shown once.")] = False,
    role: Roles = None,
    grant: Annotated[list[str] | None, typer.Option("--grant", metavar="PERMISSION", help="Repeatable.")] = None,
) -> None:
    """Add a person with a password, or a service with a secret."""
    shop = ctx.obj
    given: dict[str, Any] = {"email": email, "roles": role or (), "permissions": grant or ()}
    if service:
        if password_stdin or password_file:
            raise ServiceHasNoPassword()
        made = shop.services.users.add_service(name, **given)
        shop.show(made._asdict())
        shop.note("The secret is shown this once.")
        return
    password = secrets.password(shop, password_stdin, password_file, question=f"Password for {name}", twice=True)
    made = shop.services.users.add_person(name, password, **given)
    secrets.tell_strength(shop, password, name, email)
    shop.show({"user_id": made.user_id, "name": made.name})


@noun.command("list")
def list_(
    ctx: Context,
    kind: Annotated[Kind | None, typer.Option("--kind", help=Kind.__doc__)] = None,
    state: Annotated[State | None, typer.Option("--state", help=State.__doc__)] = None,
    role: Annotated[str | None, typer.Option("--role", metavar="ROLE", help="Only those with this role.")] = None,
    inactive: Annotated[
        str | None, typer.Option("--inactive", metavar="AGE", help="Only those without a login for so long: 90d, 12h.")
    ] = None,
    limit: Limit = 1000,
    offset: Offset = 0,
) -> None:
    """List users in the order in which they were added."""
    from shopctl.auth.users import Filters

    shop = ctx.obj
    since = shop.instant(f"{shop.seconds(inactive)}s ago") if inactive else None
    filters = Filters(kind and kind.value, state and state.value, role, since)
    found = shop.services.users.list(filters, limit=limit, offset=offset)
    columns = ("name", "kind", "state", "email", "roles", "last_login_at")
    shop.show(found, columns=columns, empty="no users")


@noun.command()
def show(ctx: Context, name: User) -> None:
    """Show a user and all that he may do."""
    ctx.obj.show(ctx.obj.services.users.show(name))


@noun.command("set")
def set_(ctx: Context, name: User, email: Email = None) -> None:
    """Change the e-mail address of a user; an empty one takes it away."""
    if email is None:
        raise UsageError(problem="There is nothing to set.", remedy="Give --email ADDRESS.")
    ctx.obj.show(ctx.obj.services.users.set_email(name, email or None))


@noun.command()
def disable(ctx: Context, name: User, confirm: Confirm = None) -> None:
    """Keep a user out: tokens that he holds are refused at the next request.

    The last who may do everything (*) is kept out only with --confirm NAME.
    """
    last = user_reports.confirmed(ctx.obj, name, confirm, "the user")
    ctx.obj.show(ctx.obj.services.users.disable(name, last_owner=last))


@noun.command()
def enable(ctx: Context, name: User) -> None:
    """Let a user in again; he has to log in anew."""
    ctx.obj.show(ctx.obj.services.users.enable(name))


@noun.command()
def unlock(ctx: Context, name: User) -> None:
    """Forget the failed logins of a user, so that the next one does not wait."""
    ctx.obj.show(ctx.obj.services.users.unlock(name))


@noun.command()
def grant(ctx: Context, name: User, permissions: Permissions = None, role: Roles = None) -> None:
    """Give a user permissions and roles."""
    user_reports.warn_of_unknown(ctx.obj, permissions or ())
    ctx.obj.show(ctx.obj.services.users.grant(name, permissions or (), roles=role or ()))


@noun.command()
def revoke(
    ctx: Context, name: User, permissions: Permissions = None, role: Roles = None, confirm: Confirm = None
) -> None:
    """Take permissions and roles from a user: tokens that he holds are refused at the next request.

    From the last who may do everything (*) that is taken only with --confirm NAME.
    """
    last = user_reports.confirmed(ctx.obj, name, confirm, "the user")
    ctx.obj.show(ctx.obj.services.users.revoke(name, permissions or (), roles=role or (), last_owner=last))


user_credentials.register(noun)
user_reports.register(noun)
user_feeds.register(noun)
