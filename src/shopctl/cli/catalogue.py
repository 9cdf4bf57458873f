"""`shopctl catalogue`: products and prices, their states and their past; feeds and search have modules of their own."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from shopctl.cli import catalogue_feeds, catalogue_plans, catalogue_search
from shopctl.cli.options import At, Context, DryRun, Offset, Sku, Skus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from shopctl.cli.shop import Shop

noun = typer.Typer(help="Products, prices, imports, exports and search.", no_args_is_help=True)
catalogue_feeds.register(noun)
catalogue_plans.register(noun)
catalogue_search.register(noun)

_SHOWN_PRICES = 3

Assignments = Annotated[
    list[str], typer.Argument(metavar="FIELD=VALUE...", help="What to set; an empty value takes a field away.")
]
From = Annotated[
    str | None, typer.Option("--from", metavar="TIME", help="The earlier moment; by default a day before.")
]
To = Annotated[str | None, typer.Option("--to", metavar="TIME", help="The later moment; by default now.")]
AtLeastOne = Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="At most so many rows; else all.")]


@noun.command()
def show(ctx: Context, sku: Sku, at: At = None) -> None:
    """Show one product, as it is or as it was at a moment."""
    shop = ctx.obj
    product = shop.services.catalogue.show(sku, at=shop.instant(at))
    shop.show(product, text=lambda: _product_text(shop, product))


@noun.command("list")
def list_(
    ctx: Context,
    status: Annotated[
        Literal["draft", "active", "retired"] | None, typer.Option("--status", help="Only those of this status.")
    ] = None,
    kind: Annotated[
        Literal["physical", "digital", "service", "subscription", "bundle"] | None,
        typer.Option("--kind", help="Only those of this kind."),
    ] = None,
    category: Annotated[
        str | None, typer.Option("--category", metavar="PATH", help="Only those in 'Home > Kitchen' or below it.")
    ] = None,
    brand: Annotated[str | None, typer.Option("--brand", metavar="NAME", help="Only those of this brand.")] = None,
    limit: AtLeastOne = None,
    offset: Offset = 0,
) -> None:
    """List products in the order of their creation."""
    from shopctl.catalogue.listing import Filters

    shop = ctx.obj
    products = shop.services.catalogue.products(Filters(status, kind, category, brand), limit=limit, offset=offset)
    shop.show(products, columns=("sku", "name", "kind", "status", "price", "available"))


@noun.command("set")
def set_(ctx: Context, sku: Sku, assignments: Assignments, dry_run: DryRun = False) -> None:
    """Set fields of a product.

    Fields: name, description, kind, parent_sku, brand, category, categories, tax_class, options.KEY, attributes.KEY,
    tags, media, components, price[.CURRENCY[.LIST[.QUANTITY]]], prices, publish_at, retire_at.
    """
    shop = ctx.obj
    made = shop.services.catalogue.edit(sku, assignments, dry_run=dry_run)
    shop.show(made, text=lambda: _edit_text(made))


@noun.command()
def publish(ctx: Context, skus: Skus, at: At = None, dry_run: DryRun = False) -> None:
    """Make products visible, now or from a later moment on."""
    shop = ctx.obj
    shop.show(shop.services.catalogue.publish(skus, at=shop.instant(at), dry_run=dry_run))


@noun.command()
def retire(ctx: Context, skus: Skus, at: At = None, dry_run: DryRun = False) -> None:
    """Take products out of sight, now or from a later moment on."""
    shop = ctx.obj
    shop.show(shop.services.catalogue.retire(skus, at=shop.instant(at), dry_run=dry_run))


@noun.command()
def history(ctx: Context, sku: Sku) -> None:
    """Show what was done to a product, latest first."""
    shop = ctx.obj
    rows = shop.services.catalogue.history(sku)
    shop.show(rows, text=lambda: "\n".join(_history_lines(rows)))


@noun.command()
def diff(ctx: Context, since: From = None, until: To = None) -> None:
    """Show what is different between two moments, field by field; by default the last 24 hours."""
    shop = ctx.obj
    rows = shop.services.catalogue.differences(since=shop.instant(since), until=shop.instant(until))
    if shop.output == "table" and not (shop.globals.fields or shop.globals.query):
        found = list(rows)
        if not found:
            shop.note("nothing is different")
            return
        shop.show(found, text=lambda: "\n".join(_diff_lines(found)))
    else:
        shop.show(rows)


@noun.command()
def stats(ctx: Context) -> None:
    """Say what there is and what it lacks: kinds, prices, images, stock, likely duplicates, the age of feeds."""
    ctx.obj.show(ctx.obj.services.catalogue.statistics())


def _product_text(shop: Shop, product: dict[str, Any]) -> str:
    from shopctl.cli import tables

    given = {field: value for field, value in product.items() if value not in (None, "", [], {})}
    given["stock"] = {name: value for name, value in given["stock"].items() if value != []}
    if [level["location"] for level in given["stock"].get("locations", [])] == ["default"]:
        del given["stock"]["locations"]  # it would say the same again
    if "prices" in given:
        given["prices"] = tables.Lines(_price_text(price) for price in given["prices"])
    if variants := given.pop("variants", None):
        given["variants"] = [
            {"sku": row["sku"], **row["options"], "status": row["status"], "available": row["available"]}
            for row in variants
        ]
    return tables.sheet(shop, given, None, None)


def _price_text(price: dict[str, Any]) -> str:
    parts = [f"{price['amount']} {price['currency']}"]
    if price["list"] != "default":
        parts.append(f"on {price['list']}")
    if price["min_quantity"] != 1:
        parts.append(f"from {price['min_quantity']} pieces")
    if price["valid_from"]:
        parts.append(f"since {price['valid_from']}")
    if price["valid_until"]:
        parts.append(f"until {price['valid_until']}")
    return "  ".join(parts)


def _edit_text(made: dict[str, Any]) -> str:
    if not made["changed"]:
        return f"{made['sku']}: nothing to change"
    head = f"{made['sku']} would become version" if made["dry_run"] else f"{made['sku']} is now version"
    return "\n".join([f"{head} {made['version']}", *_change_lines(made["changes"])])


def _history_lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    from shopctl.cli.tables import readable

    for row in rows:
        source = f" by import {row['import_id']}" if row["import_id"] else ""
        yield _plain(f"version {row['version']}  {readable(row['at'])}  {row['kind']}  {row['actor']}{source}")
        yield from _change_lines(row["changes"])


def _diff_lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    for sku, group in groupby(rows, key=lambda row: (row["sku"], row["change"])):
        found = list(group)
        name, change = sku
        if change == "changed":
            yield _plain(f"~ {name}")
            yield from _change_lines(found)
            continue
        # All of a product that was not there before, or is there no more, is in the other formats.
        side = "to" if change == "created" else "from"
        values = {row["field"]: row[side] for row in found}
        prices = [f"{value} {field.removeprefix('price.')}" for field, value in values.items() if "price." in field[:6]]
        shown = [str(values.get("name", "")), ", ".join(prices[:_SHOWN_PRICES]) + ", …" * (len(prices) > _SHOWN_PRICES)]
        yield _plain(f"{'+' if change == 'created' else '-'} {name}  {'  '.join(filter(None, shown))}".rstrip())


def _change_lines(changes: list[dict[str, Any]]) -> Iterator[str]:
    from shopctl.cli.tables import terminal_width

    width = terminal_width()
    for change in changes:
        before, after = (_value(change[side]) for side in ("from", "to"))
        if width is not None:  # each of them gets half of what the field's name leaves
            room = max(8, (width - len(change["field"]) - 8) // (1 if change["from"] is None else 2))
            before, after = (text if len(text) <= room else text[: room - 1] + "…" for text in (before, after))
        yield _plain(f"  {change['field']}: " + (after if change["from"] is None else f"{before} -> {after}"))


def _value(value: object) -> str:
    import json

    return "(none)" if value is None else json.dumps(value, ensure_ascii=False)


def _plain(line: str) -> str:
    from shopctl.kernel.errors import one_line

    return one_line(line)
