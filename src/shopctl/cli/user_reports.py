"""`shopctl user explain-permission`, `review`: who may do what, and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shopctl.cli.options import Context

if TYPE_CHECKING:
    from shopctl.cli.shop import Shop

User = Annotated[str, typer.Argument(metavar="NAME", help="The user's name, e-mail address or id.")]
Permissions = Annotated[
    list[str] | None,
    typer.Argument(metavar="[PERMISSION...]", help="Such as catalogue:write or purchase:refund:pur_01*."),
]
Permission = Annotated[str, typer.Argument(metavar="PERMISSION", help="Such as catalogue:write.")]


def explain_permission(ctx: Context, name: User, permission: Permission) -> None:
    """Say whether a user may do something, by which permission, and where that comes from; exit 4 when he may not."""
    shop = ctx.obj
    warn_of_unknown(shop, [permission])
    found = shop.services.users.explain_permission(name, permission)
    shop.show(found, text=lambda: _told(found))
    if not found["allowed"]:
        raise typer.Exit(4)


def review(ctx: Context) -> None:
    """List who may do what, a row for each user and permission; export it with -o csv."""
    shop = ctx.obj
    columns = ("user", "kind", "state", "permission", "source", "last_login_at")
    shop.show(shop.services.users.review(), columns=columns, empty="no users")


def register(noun: typer.Typer) -> None:
    """Add these verbs to `shopctl user`."""
    noun.command("explain-permission")(explain_permission)
    noun.command()(review)


def confirmed(shop: Shop, name: str, given: str | None, what: str) -> bool:
    """Whether `--confirm` repeats the name. Raises WrongName for another one."""
    if given is None:
        return False
    shop.confirm_name(name, given, what)
    return True


def warn_of_unknown(shop: Shop, permissions: Iterable[str]) -> None:
    """Say so when no command asks for a permission: it may be a slip of the finger."""
    from shopctl.auth.permissions import checked, is_known

    for permission in permissions:
        if not is_known(checked(permission)):
            shop.warn(f"no command of shopctl asks for {permission}; other services may")


def _told(found: dict[str, Any]) -> str:
    who, permission = found["user"], found["permission"]
    if found["allowed"]:
        return f"{who} may {permission}: {found['by']}, from {found['source']}"
    if found["by"]:
        return f"{who} may not {permission}: the permission {found['by']} is there, but the user is {found['state']}"
    near = [f"  {each['permission']} from {each['source']}" for each in found["considered"]]
    heading = ["It was held against:"] if near else []
    return "\n".join([f"{who} may not {permission}: nothing covers it", *heading, *near])
