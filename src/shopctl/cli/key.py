"""`shopctl key`: the keys that sign tokens, and those that seal the databases."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from shopctl.cli.options import Context
from shopctl.kernel.errors import UsageError

if TYPE_CHECKING:
    from shopctl.auth.keys import Rotation
    from shopctl.operations.resealing import ResealedDatabase

noun = typer.Typer(help="Keys that sign tokens and seal columns.", no_args_is_help=True)

Kid = Annotated[str, typer.Argument(metavar="KID", help="The key's id, or how it begins.")]
Which = Annotated[Literal["shop", "auth", "all"], typer.Option("--database", help="Which database; both by default.")]
_COLUMNS = ("key", "state", "tokens", "retirable_at", "activated_at")


class NoKeyToMake(UsageError):
    """--new-key makes the file that --to names, and --to names none."""

    code = "usage.no_key_to_make"
    hint = "Give --to file:PATH with it; without --to the key's file is given another key by itself."


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
    planned: dict[str, Any] = {**found._asdict(), "keys": listed, "dry_run": True}
    planned["next"] = "a new one" if found.rotated else found.next
    shop.show(planned, rows="keys", columns=_COLUMNS)
    shop.note(_would(found))


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


@noun.command()
def reseal(
    ctx: Context,
    database: Which = "all",
    to: Annotated[
        str | None, typer.Option("--to", metavar="SOURCE", help="Pass to the key at file:PATH, env:NAME, pkcs11:…")
    ] = None,
    new_key: Annotated[
        bool, typer.Option("--new-key", help="Have the key at file:PATH made when there is none.")
    ] = False,
) -> None:
    """Re-encrypt all that is sealed under new keys, prove that the old ones are not used any more, and drop them.

    Others may go on working meanwhile. Run again after a kill, it goes on where it stopped. With --to the setting
    must name the new source afterwards; a file that it names must be there, unless --new-key is given.
    """
    from shopctl.cli.progress import progress
    from shopctl.operations.resealing import reseal as use_case
    from shopctl.storage.migrations import CHAINS

    shop = ctx.obj
    if new_key and not (to or "").startswith("file:"):
        raise NoKeyToMake()
    targets = shop.services.sealed(*(CHAINS if database == "all" else (database,)))
    source = shop.settings.resolved("auth.key_encryption_key", to) if to else None
    with progress(shop, "Resealing") as bar:
        done = use_case(
            targets, to=source, new_key=new_key, progress=lambda chain, cells, total: bar.update(cells, rows=cells)
        )
    shop.show([_resealed(each) for each in done], columns=("database", "cells", "proved", "kek", "seconds"))
    if source:
        for target in targets:  # a path as it is from everywhere: in shopctl.toml it would begin at that file's folder
            shop.note(f"Set {target.setting} = {json.dumps(source)} now, in shopctl.toml or where it is set.")


def _would(found: Rotation) -> str:
    if not found.rotated:
        return "Nothing would be rotated: the signing key is not old enough."
    assert found.active is not None
    assert found.passive is not None
    return (
        f"{found.active[:12]} would sign from then on, {found.passive[:12]} would only verify, and a new key would be"
        " announced. Nothing was changed."
    )


def _resealed(done: ResealedDatabase) -> dict[str, Any]:
    found = done.result._asdict()
    columns = [column._asdict() for column in done.result.columns]
    return {"database": done.chain, "proved": done.result.proved, **found, "columns": columns, "dropped": done.dropped}
