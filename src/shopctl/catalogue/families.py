"""Products together with their variants, as the formats of other shops want them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from shopctl.catalogue import history, queries, removed
from shopctl.catalogue.model import Product
from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit, json_array

_BATCH = 500
_HEAD = "case when parent_sku = '' then sku else parent_sku end"
_GONE = """select id, sku, {parent} from removed_product where created_at <= :at and removed_at > :at"""
_PARENT_THEN = {"sqlite": "document ->> 'parent_sku'", "postgres": "cast(document as jsonb) ->> 'parent_sku'"}


def every_family(unit: Unit, *, now: Instant, at: Instant | None = None) -> Iterator[list[Product]]:
    """All products with their variants, in the order of the parents' SKUs; as they were `at` a moment, if one is given.

    The parent comes first, its variants in the order of their creation. A variant whose parent is not there is alone.
    Those that were removed since are among those of a moment.
    """
    gone = "" if at is None else f"union all {_GONE.format(parent=_PARENT_THEN[unit.dialect])}"
    rows = unit.stream(
        f"""select id, {_HEAD} from (select id, sku, parent_sku from product {gone}) every_product
             order by {_HEAD}, case when parent_sku = '' then 0 else 1 end, id""",
        **({} if at is None else {"at": at}),
    )
    for families in _portions([number for number, _ in same] for _, same in groupby(rows, key=lambda row: row[1])):
        ids = [number for family in families for number in family]
        found = queries.by_ids(unit, ids, now=now if at is None else at)
        if at is not None:
            products = [*found.values(), *(each.product for each in removed.by_ids(unit, ids))]
            found = history.products_at(unit, products, at)
        for family in families:
            yield from _whole([found[number] for number in family if number in found])


def families_of(unit: Unit, skus: Sequence[str], *, now: Instant) -> list[list[Product]]:
    """The families these products belong to, those of them that are there."""
    members = unit.tuples(
        f"select sku, {_HEAD} from product where sku in (select value ->> 0 from {unit.each('skus')})",
        skus=json_array(skus),
    )
    heads = json_array({family for _, family in members})
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


def _portions(families: Iterable[list[int]]) -> Iterator[list[list[int]]]:
    portion: list[list[int]] = []
    size = 0
    for family in families:
        portion.append(family)
        size += len(family)
        if size >= _BATCH:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion
