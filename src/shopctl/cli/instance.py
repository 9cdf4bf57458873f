"""`shopctl instance`: what customers have, how it is configured, and how it came to that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from shopctl.cli import instance_changes
from shopctl.cli.complete import complete_instance, complete_sku
from shopctl.cli.options import Context, DryRun

if TYPE_CHECKING:
    from shopctl.cli.shop import Shop

noun = typer.Typer(help="What customers have: product instances and their history.", no_args_is_help=True)
instance_changes.register(noun)

_PAGE = 50  # rows that people are shown unless they ask for more

Id = Annotated[
    str, typer.Argument(metavar="ID", help="The instance, such as ins_01m8g6….", autocompletion=complete_instance)
]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="TIME", help="As it was then: 2026-11-24T13:34:00Z, 2026-11-24, '2h ago'."),
]
Sku = Annotated[
    str | None,
    typer.Option("--sku", metavar="SKU", help="Only those of this product.", autocompletion=complete_sku),
]


@noun.command("list")
def list_(
    ctx: Context,
    customer: Annotated[str | None, typer.Option("--customer", metavar="ID", help="Only those of a customer.")] = None,
    sku: Sku = None,
    state: Annotated[str | None, typer.Option("--state", metavar="STATE", help="Only those in this state.")] = None,
    parent: Annotated[str | None, typer.Option("--parent", metavar="ID", help="Only the parts of a bundle.")] = None,
    purchase: Annotated[
        str | None, typer.Option("--purchase", metavar="ID", help="Only what came of a purchase.")
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option("--where", metavar="CONDITION", help="Such as configuration.region=eu; all of several hold."),
    ] = None,
    as_of: AsOf = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", metavar="N", min=1, help="At most so many; else all, and 50 in a table."),
    ] = None,
    after: Annotated[
        str | None, typer.Option("--after", metavar="ID", help="Go on after this instance, the last of a page.")
    ] = None,
) -> None:
    """List instances, newest first.

    States: created, pending_active, active, suspended, pending_terminate, terminated, aborted. A condition is
    FIELD=VALUE or FIELD!=VALUE, FIELD one of customer, sku, state, parent, purchase, configuration.ATTRIBUTE,
    customisation.ATTRIBUTE; with an empty value it asks for instances that have nothing there.
    """
    from shopctl.product_store.where import Filters, parsed

    shop = ctx.obj
    if state is not None:
        where = [f"state={state}", *(where or [])]
    filters = Filters(customer, sku, parent=parent, purchase=purchase, where=parsed(where or []))
    cut = limit is None and shop.output == "table"
    found = shop.services.instances.list(
        filters, limit=_PAGE + 1 if cut else limit, after=after, at=shop.instant(as_of)
    )
    columns = ("instance_id", "sku", "product.name", "customer", "state", "updated_at")
    if not cut:
        shop.show(found, columns=columns, empty="no instances")
        return
    rows = list(found)
    shop.show(rows[:_PAGE], columns=columns, empty="no instances")
    if len(rows) > _PAGE:
        shop.note(f"there are more: --after {rows[_PAGE - 1]['instance_id']}, or --limit N")


@noun.command()
def show(ctx: Context, instance: Id, as_of: AsOf = None) -> None:
    """Show an instance, as it is or as it was at a moment."""
    shop = ctx.obj
    found = shop.services.instances.show(instance, at=shop.instant(as_of))
    shop.show(found, text=lambda: _text(shop, found))


@noun.command()
def history(ctx: Context, instance: Id) -> None:
    """Show what was done to an instance, by whom and why, latest first, with what each change replaced."""
    shop = ctx.obj
    rows = shop.services.instances.history(instance)
    shop.show(rows, text=lambda: "\n".join(_history_lines(rows)))


@noun.command()
def index(ctx: Context, dry_run: DryRun = False) -> None:
    """Make an index for each attribute in store.indexed_attributes, and drop those of others.

    Lists by these attributes are quick then, however many instances there are. Writers of instances wait meanwhile.
    """
    shop = ctx.obj
    shop.show(shop.services.instances.index(dry_run=dry_run), empty="store.indexed_attributes names no attribute")


def _text(shop: Shop, instance: dict[str, Any]) -> str:
    from shopctl.cli import tables

    given = {field: value for field, value in instance.items() if value not in (None, {}, [])}
    return tables.sheet(shop, given, None, None)


def _history_lines(rows: list[dict[str, Any]]) -> list[str]:
    from shopctl.cli.tables import readable
    from shopctl.kernel.errors import one_line

    lines = []
    for row in rows:
        run = f" in {row['run_id']}" if row["run_id"] else ""
        why = f": {row['reason']}" if row["reason"] else ""
        when = readable(row["at"])
        lines.append(f"{row['version']}  {when}  {row['action']} -> {row['state']}  {row['actor']}{run}{why}")
        for field, change in row["changes"].items():
            before = f"{readable(change['from'])} -> " if change["from"] is not None else ""
            lines.append(f"     {field}: {before}{readable(change['to']) or '(nothing)'}")
    return [one_line(line) for line in lines]
