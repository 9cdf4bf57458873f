"""Options that verbs share, and the global ones that every command takes before or after its verb.

A verb parses, calls one use case and shows what came back:

    noun = typer.Typer(help="Products, prices and imports.", no_args_is_help=True)

    @noun.command()
    def show(ctx: Context, sku: Sku, at: At = None) -> None:
        \"\"\"Show one product.\"\"\"
        shop = ctx.obj
        shop.show(shop.services.catalogue.show(sku, at=shop.instant(at)))

    @noun.command("list")
    def list_(ctx: Context, limit: Limit = 50, offset: Offset = 0) -> None:
        \"\"\"List products.\"\"\"
        products = ctx.obj.services.catalogue.list(limit=limit, offset=offset)
        ctx.obj.show(products, columns=("sku", "name", "status"), empty="no products")

A verb never declares a global option: `-o`, `--fields`, `--query`, `--yes`, `--reason` and the rest are there by
themselves and are read from `ctx.obj` (`shop.output`, `shop.reason`, `shop.confirm(…)`). A parameter may carry the
name of a global option (`query`), but an option string of a verb's own (`--query`) hides the global one. A negative
number is taken as an argument (`stock adjust SKU -3`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shopctl.cli.complete import complete_sku
from shopctl.cli.shop import Shop


class Context(typer.Context):
    """What a verb gets first; `obj` is the shop it works on."""

    obj: Shop


Sku = Annotated[str, typer.Argument(metavar="SKU", help="The product's SKU.", autocompletion=complete_sku)]
Skus = Annotated[list[str], typer.Argument(metavar="SKU...", help="One or more SKUs.", autocompletion=complete_sku)]
At = Annotated[
    str | None, typer.Option("--at", metavar="TIME", help="A moment: 2026-11-24T13:34:00Z, 2026-11-24, now, '2h ago'.")
]
Limit = Annotated[int, typer.Option("--limit", metavar="N", min=1, help="At most so many rows.")]
Offset = Annotated[int, typer.Option("--offset", metavar="N", min=0, help="Skip so many rows first.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change and change nothing.")]
DetailedExitCode = Annotated[bool, typer.Option("--detailed-exitcode", help="Exit with 10 when changes are pending.")]
PlanOut = Annotated[
    Path | None, typer.Option("--plan-out", metavar="FILE", help="Write the plan to FILE instead of changing anything.")
]
Location = Annotated[str | None, typer.Option("--location", metavar="NAME", help="The stock location.")]
Confirm = Annotated[
    str | None, typer.Option("--confirm", metavar="NAME", help="Repeat the name of what is to be destroyed.")
]
LockWait = Annotated[
    float, typer.Option("--lock-wait", metavar="SECONDS", min=0, help="Wait so long for another process's lock.")
]
