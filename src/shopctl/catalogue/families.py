"""Products together with their variants, as the formats of other shops want them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from shopctl.catalogue import history, queries
from shopctl.catalogue.model import Product
from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit

_BATCH = 500
_HEAD = "case when parent_sku = '' then sku else parent_sku end"


def every_family(unit: Unit, *, now: Instant, at: Instant | None = None) -> Iterator[list[Product]]:
    """All products with their variants, in the order of the parents' SKUs; as they were `at` a moment, if one is given.

    The parent comes first, its variants in the order of their creation. A variant whose parent is not there is alone.
    """
    rows = unit.stream(
        f"""select sku, {_HEAD} from product
             order by {_HEAD}, case when parent_sku = '' then 0 else 1 end, id"""
    )
    for families in _portions([sku for sku, _ in members] for _, members in groupby(rows, key=lambda row: row[1])):
        skus = [sku for family in families for sku in family]
        found = queries.by_skus(unit, skus, now=now if at is None else at)
        if at is not None:
            then = history.products_at(unit, list(found.values()), at)
            found = {product.sku: product for product in then.values()}
        for family in families:
            yield from _whole([found[sku] for sku in family if sku in found])


def families_of(unit: Unit, skus: Sequence[str], *, now: Instant) -> list[list[Product]]:
    """The families these products belong to, those of them that are there."""
    members = unit.tuples(
        f"select sku, {_HEAD} from product where sku in (select value ->> 0 from {unit.each('skus')})",
        skus=queries.json_array(skus),
    )
    heads = queries.json_array({family for _, family in members})
    rows = unit.tuples(
        f"""select sku, {_HEAD} from product
             where sku in (select value ->> 0 from {unit.each("heads")})
                or parent_sku <> '' and parent_sku in (select value ->> 0 from {unit.each("heads")})
             order by {_HEAD}, case when parent_sku = '' then 0 else 1 end, id""",
        heads=heads,
    )
    found = queries.by_skus(unit, [sku for sku, _ in rows], now=now)
    grouped = groupby(rows, key=lambda row: row[1])
    return [family for _, each in grouped for family in _whole([found[sku] for sku, _ in each])]


def _whole(family: list[Product]) -> Iterator[list[Product]]:
    if not family or not family[0].parent_sku:
        yield family
    else:
        yield from ([product] for product in family)


def _portions(families: Iterable[list[str]]) -> Iterator[list[list[str]]]:
    portion: list[list[str]] = []
    size = 0
    for family in families:
        portion.append(family)
        size += len(family)
        if size >= _BATCH:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion
