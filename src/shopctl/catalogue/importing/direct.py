"""The way into an empty catalogue: the child builds table rows, the parent only writes them.

There is nothing to compare with, so no stage is needed. SKUs that the file repeats are found by the database.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from shopctl.catalogue.feed.row import (
    ATTRIBUTES,
    CATEGORIES,
    CATEGORY,
    DEFAULT_LIST,
    DEFAULT_LOCATION,
    DEFAULTS,
    EXTRA,
    HASH,
    LINE,
    PRICES,
    SKU,
    STOCK,
    Feed,
    FeedRow,
    canonical,
)
from shopctl.catalogue.importing import journal as journals
from shopctl.catalogue.importing.categories import add_categories, category_paths
from shopctl.catalogue.importing.current import COLUMNS
from shopctl.catalogue.importing.journal import Journal, json_rows
from shopctl.catalogue.importing.merge import record_creations
from shopctl.catalogue.importing.outcome import creation_values
from shopctl.kernel.clock import Instant
from shopctl.storage.errors import ConstraintBroken
from shopctl.storage.unit import Unit

Prepared = tuple[Any, ...]  # what `prepare` yields: plain tuples that marshal
PRODUCTS, REJECTS, POSITION = 0, 5, 6  # places in it

_ATTRIBUTES = ATTRIBUTES - SKU
_PRICE = ("product_id", "currency", "amount", "list", "min_quantity", "valid_from", "valid_until")
_PLAIN_PRICE = (DEFAULT_LIST, 1, 0, None)  # the rest of a price without list, tiers and period
_STOCK = ("product_id", "location", "on_hand")
_RECORD = ("product_id", "hash", "line", "stock")


class Layout:
    """Which product columns a feed gives; the others are the same in every row, so they are not carried along."""

    def __init__(self, feed: Feed, now: Instant) -> None:
        fields = feed.fields | {"sku"} | ({"attributes"} if "extra" in feed.fields else set())
        given = [index for index, name in enumerate(COLUMNS) if name in fields]
        self.columns = ("id", *(COLUMNS[index] for index in given))
        self.constants = {
            **{name: DEFAULTS[SKU + index] for index, name in enumerate(COLUMNS) if index not in given},
            "version": 1,
            "created_at": now,
            "updated_at": now,
        }
        self._plain = itemgetter(*(SKU + index for index in given if index != _ATTRIBUTES))
        self._of_whole = itemgetter(*given)
        self._place = given.index(_ATTRIBUTES) if _ATTRIBUTES in given else None

    def values(self, row: FeedRow) -> tuple[Any, ...]:
        """The given columns of a row whose product does not exist yet."""
        values = self._plain(row) if self._place != 0 else ()
        if ... in values or row[ATTRIBUTES] is not ... or (row[EXTRA] is not ... and "null" in row[EXTRA]):
            return tuple(self._of_whole(creation_values(row)))
        if self._place is None:
            return tuple(values)
        attributes = "{}" if row[EXTRA] is ... else row[EXTRA]
        return (*values[: self._place], attributes, *values[self._place :])


def prepare(feed: Feed, layout: Layout, first_id: int, after_line: int) -> Iterator[Prepared]:
    """In the child: batches of the feed as rows for each table, numbered from `first_id`."""
    number = first_id
    values = layout.values
    seen: set[str] = set()
    for batch in feed.batches(start_line=after_line):
        products, plain_prices, prices, stocks, records = [], [], [], [], []
        for row in batch.rows:
            products.append((number, *values(row)))
            if row[PRICES] is not ...:
                for price in row[PRICES]:
                    if price[2:] == _PLAIN_PRICE:
                        plain_prices.append((number, price[0], price[1]))
                    else:
                        prices.append((number, *price))
            fed = "{}"
            if row[STOCK] is not ...:
                for level in row[STOCK]:
                    stocks.append((number, *level))
                fed = _fed_stock(row[STOCK])
            records.append((number, row[HASH], row[LINE], fed))
            number += 1
        paths = category_paths({row[CATEGORY] for row in batch.rows}, {row[CATEGORIES] for row in batch.rows}) - seen
        seen |= paths
        yield (
            products, (plain_prices, prices), stocks, records, list(paths),
            [tuple(reject) for reject in batch.rejects], batch.position, batch.line,
        )  # fmt: skip


def write(unit: Unit, journal: Journal, layout: Layout, prepared: Prepared, *, actor: str, now: Instant) -> None:
    """In the parent: add a prepared batch and count it."""
    products, (plain_prices, prices), stocks, records, paths, rejects, _, line = prepared
    add_categories(unit, paths)
    superseded = 0
    if products:
        try:
            with unit.savepoint():
                unit.insert_many("product", layout.columns, products, constants=layout.constants)
        except ConstraintBroken:
            repeated = _Repeated.find(unit, products, records)
            repeated.overwrite(unit, journal, layout, now)
            superseded = len(repeated.superseded)
            plain_prices, prices, stocks, records = (
                repeated.renumbered(rows) for rows in (plain_prices, prices, stocks, records)
            )
        unit.insert_many("price", _PRICE[:3], plain_prices, constants=dict(zip(_PRICE[3:], _PLAIN_PRICE, strict=True)))
        unit.insert_many("price", _PRICE, prices)
        unit.insert_many("stock", _STOCK, stocks)
        unit.insert_many("feed_record", _RECORD, records, constants={"feed_id": journal.feed_id})
        record_creations(unit, journal, first=products[0][0], last=products[-1][0], actor=actor, now=now)
    journals.add_rejects(unit, journal, rejects)
    journal.line = line
    journal.counts.rows += len(products) + len(rejects)
    journal.counts.created += len(products) - superseded
    journal.counts.superseded += superseded
    journal.counts.rejected += len(rejects)


def _fed_stock(levels: Sequence[tuple[str, int]]) -> str:
    if len(levels) == 1 and levels[0][0] == DEFAULT_LOCATION:
        return f'{{"default":{levels[0][1]}}}'
    return canonical(dict(levels))


@dataclass
class _Repeated:
    """SKUs of a batch that the file has brought before: the later row wins, in the place of the earlier one."""

    new: list[Prepared]
    numbers: dict[int, int | None]  # number in the batch: number it goes in under, None when it does not
    superseded: list[tuple[int, str, int]]  # line, sku, line of the winner
    overwriting: list[Prepared]

    @classmethod
    def find(cls, unit: Unit, products: list[Prepared], records: list[Prepared]) -> _Repeated:
        lines = {record[0]: record[2] for record in records}
        present = {
            sku: (number, line)
            for sku, number, line in unit.tuples(
                f"""select p.sku, p.id, r.line from product p join feed_record r on r.product_id = p.id
                     where p.sku in (select value ->> 0 from {unit.each("skus")})""",
                skus=json_rows([product[1]] for product in products),
            )
        }
        last = {product[1]: product[0] for product in products}
        found = cls(new=[], numbers={}, superseded=[], overwriting=[])
        for product in products:
            number, sku = product[0], product[1]
            if last[sku] != number:
                found.numbers[number] = None
                found.superseded.append((lines[number], sku, lines[last[sku]]))
            elif sku in present:
                found.numbers[number] = present[sku][0]
                found.superseded.append((present[sku][1], sku, lines[number]))
                found.overwriting.append((present[sku][0], *product[1:]))
            else:
                found.numbers[number] = number
                found.new.append(product)
        return found

    def overwrite(self, unit: Unit, journal: Journal, layout: Layout, now: Instant) -> None:
        """Add the new ones, put the winners in their places, name the losers."""
        unit.insert_many("product", layout.columns, self.new, constants=layout.constants)
        unit.execute_many(
            f"""update product set updated_at = :now, {", ".join(f"{name} = :{name}" for name in layout.columns[1:])}
                 where id = :id""",
            [{**dict(zip(layout.columns, product, strict=True)), "now": now} for product in self.overwriting],
        )
        numbers = json_rows([product[0]] for product in self.overwriting)
        for table in ("price", "stock", "feed_record"):
            unit.execute(
                f"delete from {table} where product_id in (select cast(value ->> 0 as bigint) from {unit.each('ids')})",
                ids=numbers,
            )
        journals.add_rejects(
            unit, journal, [journals.superseded(line, sku, winner) for line, sku, winner in self.superseded]
        )

    def renumbered(self, rows: list[Prepared]) -> list[Prepared]:
        """Rows of another table under the numbers their products went in with."""
        return [(number, *row[1:]) for row in rows if (number := self.numbers[row[0]]) is not None]


def undo(unit: Unit, journal: Journal) -> None:
    """Take out what an import brought whose file turned out to be broken further down.

    Raises ConstraintBroken when somebody has reserved one of these products meanwhile.
    """
    brought = """(select c.product_id from change c
                   where c.import_id = :id and c.kind = 'create'
                     and c.id > (select change_from from catalogue_import where id = :id))"""
    for table in ("price", "stock", "feed_record"):
        unit.execute(f"delete from {table} where product_id in {brought}", id=journal.id)
    unit.execute(f"delete from product where id in {brought}", id=journal.id)
    unit.execute("delete from change where import_id = :id", id=journal.id)
    journal.counts.created = journal.counts.superseded = 0
