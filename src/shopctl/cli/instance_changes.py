"""`shopctl instance modify|suspend|resume|terminate|upgrade`: what is done to an instance, as its template says."""

from __future__ import annotations

from typing import Annotated

import typer

from shopctl.cli.complete import complete_instance, complete_sku
from shopctl.cli.options import Context
from shopctl.cli.provision import From, Key, Values, parameters, started

Id = Annotated[
    str, typer.Argument(metavar="ID", help="The instance, such as ins_01m8g6….", autocompletion=complete_instance)
]


def register(noun: typer.Typer) -> None:
    """Add these verbs to `instance`."""
    for verb in (modify, renew, suspend, resume, terminate, upgrade):
        noun.command()(verb)


def modify(ctx: Context, id_: Id, values: Values = None, source: From = None, idempotency_key: Key = None) -> None:
    """Change how an instance is configured; exit 0 when it is done, 8 when it goes on."""
    shop = ctx.obj
    wanted = parameters(source, values)
    started(shop, shop.services.provisioning.change(id_, "modify", wanted, idempotency_key=idempotency_key))


def renew(ctx: Context, id_: Id, idempotency_key: Key = None) -> None:
    """Let a subscription go on for another period."""
    shop = ctx.obj
    started(shop, shop.services.provisioning.change(id_, "renew", {}, idempotency_key=idempotency_key))


def suspend(ctx: Context, id_: Id, idempotency_key: Key = None) -> None:
    """Suspend an instance."""
    shop = ctx.obj
    started(shop, shop.services.provisioning.change(id_, "suspend", {}, idempotency_key=idempotency_key))


def resume(ctx: Context, id_: Id, idempotency_key: Key = None) -> None:
    """Let an instance go on that was suspended."""
    shop = ctx.obj
    started(shop, shop.services.provisioning.change(id_, "resume", {}, idempotency_key=idempotency_key))


def terminate(ctx: Context, id_: Id, idempotency_key: Key = None) -> None:
    """End an instance for good."""
    shop = ctx.obj
    shop.confirm(f"End the instance {id_} for good?")
    started(shop, shop.services.provisioning.change(id_, "terminate", {}, idempotency_key=idempotency_key))


def upgrade(
    ctx: Context,
    id_: Id,
    to: Annotated[str, typer.Option("--to", metavar="SKU", help="The product.", autocompletion=complete_sku)],
    values: Values = None,
    source: From = None,
    idempotency_key: Key = None,
) -> None:
    """Make an instance one of another product."""
    shop = ctx.obj
    wanted = parameters(source, values)
    started(
        shop,
        shop.services.provisioning.change(id_, "upgrade", wanted, to_sku=to, idempotency_key=idempotency_key),
    )
