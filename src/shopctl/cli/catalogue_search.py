"""`shopctl catalogue search` and `reindex`: find products, and build the index they are found by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from shopctl.cli.options import Context, Limit, Offset

if TYPE_CHECKING:
    from shopctl.cli.shop import Shop


def search(
    ctx: Context,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="The words to look for; '' finds everything.")],
    where: Annotated[
        list[str] | None,
        typer.Option("--where", metavar="CONDITION", help="Only these, such as 'price<20'; several all hold."),
    ] = None,
    facet: Annotated[
        list[str] | None,
        typer.Option(
            "--facet", metavar="FIELD", help="Count a field's values among all that match, or ranges: price:0-50,50-."
        ),
    ] = None,
    sort: Annotated[
        str, typer.Option("--sort", metavar="FIELD", help="relevance, price, -price, name, -name, newest or oldest.")
    ] = "relevance",
    currency: Annotated[
        str | None, typer.Option("--currency", metavar="C", help="The currency of prices; by default the shop's.")
    ] = None,
    limit: Limit = 10,
    offset: Offset = 0,
) -> None:
    """Find products by words in their name, brand, category, attributes and description.

    Products with every word come first; when they are few, those with any of the words follow. Conditions compare
    price, stock, status, kind, brand, category (with all below it), tag, sku, and any option or attribute with
    = != < <= > >=. Only products that buyers meet now are found, unless a condition names a status.
    """
    from shopctl.catalogue.searching import SearchRequest

    shop = ctx.obj
    request = SearchRequest(query, tuple(where or ()), tuple(facet or ()), sort, currency, limit, offset)
    found = shop.services.search.search(request, shop.note)
    shop.show(found, columns=_COLUMNS, rows="hits", text=lambda: _text(shop, found))
    if shop.output == "table":
        _say_the_rest(shop, found, offset)


def reindex(ctx: Context) -> None:
    """Build the search index anew, aside; searches use the one there is until the new one is complete."""
    from shopctl.cli.progress import progress

    shop = ctx.obj
    with progress(shop, "Indexing") as bar:
        done = shop.services.search.reindex(lambda count: bar.update(count, rows=count))
    shop.show(done, text=lambda: f"{done['documents']:,} products indexed in {done['seconds']:.1f} s")


def evaluate(
    ctx: Context,
    judgments: Annotated[
        str, typer.Argument(metavar="JUDGMENTS", help="A CSV file with query, sku and rating; - is standard input.")
    ],
    baseline: Annotated[
        str | None,
        typer.Option("--baseline", metavar="FILE", help="An earlier evaluation's JSON; NDCG@10 must not be lower."),
    ] = None,
    fail_below: Annotated[
        str | None,
        typer.Option("--fail-below", metavar="X", help="The lowest NDCG@10 that passes: 0.85, or 98% of the baseline."),
    ] = None,
    typos: Annotated[
        int | None, typer.Option("--typos", metavar="SEED", help="Put one typo into the longest word of every query.")
    ] = None,
) -> None:
    """Measure how good search is by people's judgments.

    Prints NDCG@10 (a hit that nobody judged counts as unfit), MRR, and the queries that do worst. Ends with exit code 6
    when NDCG@10 is lower than asked for, 12 when a file cannot be used; the figures are printed either way.
    """
    from shopctl.catalogue import evaluating, judging

    shop = ctx.obj
    before = None if baseline is None else evaluating.baseline(baseline)
    lowest = evaluating.lowest(fail_below, before)
    done = evaluating.evaluate(shop.services.search, judging.read(judgments), typos=typos)
    shop.show({**done, "baseline": before} if before is not None else done)
    evaluating.check(done["ndcg_at_10"], lowest)


def register(noun: typer.Typer) -> None:
    """Add these verbs to `shopctl catalogue`."""
    noun.command("search")(search)
    noun.command("reindex")(reindex)
    noun.command("evaluate")(evaluate)


_COLUMNS = ("sku", "name", "brand", "category", "price", "stock")


def _text(shop: Shop, found: dict[str, Any]) -> str:
    from shopctl.cli import tables

    parts = [tables.table(shop, found["hits"], _COLUMNS, None)] if found["hits"] else []
    for field, values in found["facets"].items():
        parts.append(tables.table(shop, values, ("value", "count"), field))
    return "\n".join(parts)


def _say_the_rest(shop: Shop, found: dict[str, Any], offset: int) -> None:
    shown = len(found["hits"])
    if found["suggestion"]:
        shop.note(f"not found as it was written; shown for: {found['suggestion']}")
    if found["left_out"]:
        shop.note(f"nothing has every word; left out: {' '.join(found['left_out'])}")
    if not found["total"]:
        shop.note("nothing found")
    elif not shown:
        shop.note(f"{found['total']:,} found, none of them after the first {offset:,}")
    elif shown < found["total"]:
        shop.note(f"{offset + 1:,} to {offset + shown:,} of {found['total']:,}")
    if found["lag"]:
        shop.note(f"{found['lag']:,} changes are not in the search index yet")
