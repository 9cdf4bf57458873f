"""`shopctl stock`: what is on hand, reserved and available."""

from __future__ import annotations

from typing import Annotated

import typer

from shopctl.cli.options import Context, DryRun, Location, Sku
from shopctl.kernel.errors import UsageError

noun = typer.Typer(help="What is on hand, reserved and available.", no_args_is_help=True)

Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID...]", help="One or more reservations.")]
Expired = Annotated[bool, typer.Option("--expired", help="All that are past their moment.")]


class NothingNamed(UsageError):
    """There is nothing to release."""

    code = "usage.nothing_named"
    hint = "Name reservations (see: shopctl stock reservations), or give --expired."


@noun.command()
def show(ctx: Context, sku: Sku, location: Location = None) -> None:
    """Show the stock of a product, in all and by location."""
    ctx.obj.show(ctx.obj.services.stock.show(sku, location=location))


@noun.command("set")
def set_(
    ctx: Context,
    sku: Sku,
    quantity: Annotated[int, typer.Argument(metavar="N", help="How many were counted.")],
    location: Location = None,
    dry_run: DryRun = False,
) -> None:
    """Write down how many lie at a location."""
    shop = ctx.obj
    shop.show(shop.services.stock.set(sku, quantity, location=location, dry_run=dry_run))


@noun.command()
def adjust(
    ctx: Context,
    sku: Sku,
    delta: Annotated[int, typer.Argument(metavar="±N", help="How many came or went, such as 5 or -5.")],
    location: Location = None,
    dry_run: DryRun = False,
) -> None:
    """Add pieces to a location, or take some away."""
    shop = ctx.obj
    shop.show(shop.services.stock.adjust(sku, delta, location=location, dry_run=dry_run))


@noun.command()
def reservations(
    ctx: Context,
    sku: Annotated[str | None, typer.Argument(metavar="[SKU]", help="Only those of this product.")] = None,
    location: Location = None,
) -> None:
    """List what is promised to whom until when, and what of it has expired."""
    shop = ctx.obj
    shop.show(shop.services.stock.reservations(sku, location=location), empty="no reservations")


@noun.command()
def release(
    ctx: Context, ids: Ids = None, expired: Expired = False, location: Location = None, dry_run: DryRun = False
) -> None:
    """Give back what was promised."""
    if not ids and not expired:
        raise NothingNamed()
    shop = ctx.obj
    released = shop.services.stock.release_by_hand(ids or [], expired=expired, location=location, dry_run=dry_run)
    shop.show(released, empty="nothing to release")
