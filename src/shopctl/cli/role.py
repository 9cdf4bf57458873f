"""`shopctl role`: named sets of permissions that inherit from each other."""

from __future__ import annotations

from typing import Annotated

import typer

from shopctl.cli.options import Confirm, Context
from shopctl.cli.user_reports import Permissions, confirmed, warn_of_unknown

noun = typer.Typer(help="Named sets of permissions.", no_args_is_help=True)

Role = Annotated[str, typer.Argument(metavar="ROLE", help="The role's name.")]
Inherit = Annotated[
    list[str] | None, typer.Option("--inherit", metavar="ROLE", help="A role it inherits from; repeatable.")
]


@noun.command("list")
def list_(ctx: Context) -> None:
    """List roles by name."""
    shop = ctx.obj
    shop.show(shop.services.roles.list(), columns=("name", "parents", "permissions", "description"), empty="no roles")


@noun.command()
def show(ctx: Context, role: Role) -> None:
    """Show a role, what it inherits, and how many have it."""
    ctx.obj.show(ctx.obj.services.roles.show(role))


@noun.command()
def create(
    ctx: Context,
    role: Role,
    permit: Annotated[list[str] | None, typer.Option("--permit", metavar="PERMISSION", help="Repeatable.")] = None,
    inherit: Inherit = None,
    description: Annotated[str, typer.Option("--description", metavar="TEXT", help="What it is for.")] = "",
) -> None:
    """Make a role."""
    shop = ctx.obj
    warn_of_unknown(shop, permit or ())
    made = shop.services.roles.create(role, description=description, permissions=permit or (), parents=inherit or ())
    shop.show(made)


@noun.command()
def delete(ctx: Context, role: Role) -> None:
    """Remove a role that nobody has."""
    shop = ctx.obj
    shop.confirm(f"Remove the role {role}?")
    shop.services.roles.delete(role)
    shop.note(f"{role} is gone")


@noun.command()
def permit(ctx: Context, role: Role, permissions: Permissions = None, inherit: Inherit = None) -> None:
    """Give a role permissions, or have it inherit from another."""
    shop = ctx.obj
    warn_of_unknown(shop, permissions or ())
    shop.show(shop.services.roles.permit(role, permissions or (), parents=inherit or ()))


@noun.command()
def forbid(
    ctx: Context, role: Role, permissions: Permissions = None, inherit: Inherit = None, confirm: Confirm = None
) -> None:
    """Take permissions or an inheritance from a role: tokens of all who have it are refused at the next request.

    From the last who may do everything (*) that is taken only with --confirm ROLE.
    """
    shop = ctx.obj
    last = confirmed(shop, role, confirm, "the role")
    shop.show(shop.services.roles.forbid(role, permissions or (), parents=inherit or (), last_owner=last))
