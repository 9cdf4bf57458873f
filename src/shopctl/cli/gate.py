"""Who may run a command: asked once, before it runs, and only where `cli.require_login` is on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from shopctl.cli.permissions import OWN, asked

if TYPE_CHECKING:
    from shopctl.auth.verifying import Caller
    from shopctl.cli.shop import Shop


def admit(shop: Shop, command: str, values: Mapping[str, object]) -> None:
    """Let `catalogue set` and its like run, by the name of whoever calls, or refuse it.

    Raises NotLoggedIn, TokenRefused, PermissionMissing (exit 4). Where no login is required it touches nothing of the
    Authentication Server.
    """
    wanted = asked(command, values)
    if not wanted or not shop.settings.get("cli.require_login") or not shop.settings.has_shop:
        return
    from shopctl.auth.jose.errors import TokenRefused
    from shopctl.cli.identity import NotLoggedIn
    from shopctl.storage.errors import SchemaOutdated

    try:
        caller = _caller(shop, command, values, wanted)
    except (NotLoggedIn, TokenRefused):
        if command == "user add" and shop.services.users.is_empty():
            _first(shop, values)
            return
        raise
    except SchemaOutdated:
        if command == "db upgrade":  # else nobody could ever ask again
            shop.warn("who you are could not be asked: the authentication database is older than this shopctl")
            return
        raise
    shop.act_as(f"user:{caller.name}")


def _caller(shop: Shop, command: str, values: Mapping[str, object], wanted: Sequence[str]) -> Caller:
    """Who calls, with the permissions asked for, or without them where it is about himself; then the shop knows."""
    from shopctl.auth.verifying import PermissionMissing
    from shopctl.cli.identity import identified

    if command not in OWN:
        return identified(shop, wanted).caller
    caller = identified(shop).caller
    if not shop.services.users.is_called(str(values.get("name")), caller.user_id):
        return identified(shop, wanted).caller
    try:
        for permission in wanted:
            caller.require(permission)
    except PermissionMissing:
        shop.for_oneself = True
    return caller


def _first(shop: Shop, values: Mapping[str, object]) -> None:
    """Nobody can have been let in yet, so the first user is added by whoever comes."""
    granted = values.get("grant")
    if isinstance(granted, list) and "*" in granted:
        return
    import shlex

    name = shlex.quote(str(values.get("name")))
    shop.warn(
        "the first user should be an owner, who may do everything and add others: --grant '*'; afterwards it takes:"
        f" SHOPCTL_CLI__REQUIRE_LOGIN=false shopctl user grant {name} '*'"
    )
