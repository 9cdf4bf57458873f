"""A feed in the format of another shop changes only what it says otherwise than this shop's own export would say it.

Such a format cannot say everything: a blank cell may mean "none" or "not said", and a variant has no name of its own.
So the products that a staged row speaks of are written in the format, as an export would, and read back; what the row
says just so is not given by it. Exporting and importing back therefore changes nothing, whatever the format lacks.
"""

from __future__ import annotations

import json
import marshal
from collections.abc import Container, Iterator, Sequence
from typing import Any

from shopctl.catalogue.families import families_of
from shopctl.catalogue.feed.row import (
    DEFAULT_LIST,
    EXTRA,
    FIELDS,
    LINE,
    PARENT_SKU,
    PRICES,
    PRICES_WHOLE,
    RETIRE_AT,
    SKU,
    STOCK,
    Feed,
    FeedRow,
    canonical,
)
from shopctl.catalogue.feed.shops.shop import Family
from shopctl.catalogue.importing import stage
from shopctl.catalogue.importing.journal import Journal
from shopctl.catalogue.model import Product
from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit, json_array

_NOTHING: FeedRow = (...,) * len(FIELDS)
_INHERITED = ("status", "name", "description", "brand", "category", "categories", "tax_class", "tags")


def narrow(unit: Unit, journal: Journal, feed: Feed, now: Instant) -> None:
    """Reduce the staged rows of products that exist to what they say anew. Rows of plain feeds stay as they are."""
    if feed.read_back is None:
        return
    for rows in stage.batches(unit, journal):
        families = families_of(unit, [row[SKU] for row in rows], now=now)
        present = {product.sku: product for family in families for product in family}
        if not present:
            continue
        said = {row[SKU]: row for family in families for row in feed.read_back(family)}
        stale = _stale(unit, families)
        unit.execute_many(
            "update import_row set row = :row where import_id = :id and line = :line and sku = :sku",
            [
                {"id": journal.id, "line": row[LINE], "sku": row[SKU], "row": marshal.dumps(less)}
                for row in rows
                if row[SKU] in present
                for less in [narrowed(row, said.get(row[SKU], _NOTHING), present[row[SKU]], stale.get(row[SKU], ()))]
            ],
        )


def narrowed(row: FeedRow, said: FeedRow, product: Product, stale: Container[str] = ()) -> FeedRow:
    """What `row` says of a product otherwise than `said`, which is what the shop would say of it itself.

    Fields that are `stale` are given all the same.
    """
    less = list(row)
    for field in range(PARENT_SKU, RETIRE_AT + 1):
        if row[field] == said[field] and FIELDS[field] not in stale:
            less[field] = ...
    if row[EXTRA] is not ...:
        less[EXTRA] = canonical(dict(_attributes(json.loads(row[EXTRA]), said)))
    if row[PRICES] is not ...:
        less[PRICES], less[PRICES_WHOLE] = tuple(_prices(row, said)), False
    if row[STOCK] is not ...:
        less[STOCK] = tuple(_stock(row, said, product))
    return tuple(less)


def _stale(unit: Unit, families: Sequence[Family]) -> dict[str, set[str]]:
    """Variants' fields that are what their product's field once was: taken over from it, and not of their own.

    So it is with a variant whose row was rejected when its product changed, or whose product was edited since.
    """
    differing = [
        (family[0].id, variant, field)
        for family in families
        for variant in family[1:]
        for field in _INHERITED
        if getattr(variant, field) != getattr(family[0], field)
    ]
    if not differing:
        return {}
    former: set[tuple[int, str, str]] = set()
    for number, previous in unit.tuples(
        f"""select product_id, previous from change
             where previous is not null
               and product_id in (select cast(value ->> 0 as bigint) from {unit.each("ids")})""",
        ids=json_array({number for number, _, _ in differing}),
    ):
        former.update((number, field, canonical(value)) for field, value in json.loads(previous).items())
    found: dict[str, set[str]] = {}
    for number, variant, field in differing:
        if (number, field, canonical(getattr(variant, field))) in former:
            found.setdefault(variant.sku, set()).add(field)
    return found


def _attributes(given: dict[str, Any], said: FeedRow) -> Iterator[tuple[str, Any]]:
    known = {} if said[EXTRA] is ... else json.loads(said[EXTRA])
    for key, value in given.items():
        if key not in known or known[key] != value:
            yield key, value
    for key in known.keys() - given.keys():
        yield key, None


def _prices(row: FeedRow, said: FeedRow) -> Iterator[tuple[Any, ...]]:
    """Prices to set, and those without an amount, which are to go. A blank price says nothing of the usual one."""
    known = {} if said[PRICES] is ... else {_key(price): price for price in said[PRICES]}
    given = {_key(price): price for price in row[PRICES]}
    yield from (price for key, price in given.items() if known.get(key) != price)
    for key, price in known.items():
        if given and key not in given and key[1:] != (DEFAULT_LIST, 1, 0):
            yield (price[0], None, *price[2:])


def _key(price: tuple[Any, ...]) -> tuple[Any, ...]:
    return price[0], *price[2:5]


def _stock(row: FeedRow, said: FeedRow, product: Product) -> Iterator[tuple[str, int]]:
    # What is so already is said all the same: the next import must know what this feed said last.
    levels = {level.location: level.on_hand for level in product.stock}
    known = () if said[STOCK] is ... else said[STOCK]
    for location, quantity in row[STOCK]:
        if (location, quantity) not in known or levels.get(location) == quantity:
            yield location, quantity
