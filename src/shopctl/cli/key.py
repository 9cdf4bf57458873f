"""`shopctl key`: the keys that sign tokens, and those that seal the databases."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from shopctl.cli.options import Context

noun = typer.Typer(help="Keys that sign tokens and seal columns.", no_args_is_help=True)

Kid = Annotated[str, typer.Argument(metavar="KID", help="The key's id, or how it begins.")]
_COLUMNS = ("kid", "algorithm", "state", "tokens", "retirable_at", "activated_at")


@noun.command("list")
def list_(ctx: Context) -> None:
    """List the signing keys, newest first, with the tokens that are outstanding for each."""
    ctx.obj.show(ctx.obj.services.keys.list(), columns=_COLUMNS, empty="no keys yet")


@noun.command()
def rotate(
    ctx: Context,
    due: Annotated[bool, typer.Option("--due", help="Only when the signing key is old enough; for cron.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Show what it would do, and change nothing.")] = False,
) -> None:
    """Have the next key sign and announce another; tokens of the former key stay good until they expire."""
    shop = ctx.obj
    keys = shop.services.keys
    found = keys.rotate(due=due, dry_run=plan)
    if not plan:
        if found.rotated or shop.output != "table":
            shop.show(found._asdict())
        return
    listed = keys.list()
    planned: dict[str, Any] = {**found._asdict(), "keys": listed}
    planned["next"] = "a new one" if found.rotated else found.next
    shop.show(planned, rows="keys", columns=_COLUMNS)


@noun.command()
def retire(ctx: Context, kid: Kid) -> None:
    """Disable a passive key of which no token is outstanding."""
    ctx.obj.show(ctx.obj.services.keys.retire(kid))


@noun.command()
def revoke(ctx: Context, kid: Kid) -> None:
    """Disable a key at once, in an emergency: every token that it signed is refused."""
    shop = ctx.obj
    shop.confirm(f"Refuse every token that key {kid} signed?")
    shop.show(shop.services.keys.revoke(kid))


@noun.command()
def jwks(ctx: Context) -> None:
    """Write the public keys as a JSON Web Key Set (RFC 7517), for those who verify tokens."""
    shop = ctx.obj
    found = shop.services.keys.jwks()
    shop.show(found, text=lambda: json.dumps(found, indent=2))
