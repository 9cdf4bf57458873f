"""The way into an empty catalogue: the child builds table rows, the parent only writes them.

There is nothing to compare with, so no stage is needed; the whole is one unit, so that a file that turns out to be
broken leaves nothing behind. SKUs come in any order, so their index is made at the end, which also finds those that
repeat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any

from shopctl.catalogue.feed.objects import RECORD_HEADER
from shopctl.catalogue.feed.row import (
    CATEGORIES,
    CATEGORY,
    DEFAULT_LIST,
    DEFAULTS,
    EXTRA,
    HASH,
    LINE,
    PRICES,
    SKU,
    STATUS,
    STOCK,
    Feed,
    FeedRow,
    canonical,
)
from shopctl.catalogue.feed.validate import Remembered
from shopctl.catalogue.importing import journal as journals
from shopctl.catalogue.importing.categories import add_categories, category_paths
from shopctl.catalogue.importing.current import COLUMNS
from shopctl.catalogue.importing.journal import Journal, json_rows
from shopctl.catalogue.importing.merge import TABLES, record_creations
from shopctl.catalogue.importing.outcome import creation_values
from shopctl.catalogue.moments import next_moment
from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit

Prepared = tuple[Any, ...]  # what `prepare` yields: plain tuples that marshal
PRODUCTS, REJECTS, POSITION = 0, 8, 9  # places in it: how many products, …

_PRICE = ("product_id", "currency", "amount", "list", "min_quantity", "valid_from", "valid_until")
_PLAIN_PRICE = (DEFAULT_LIST, 1, 0, None)  # the rest of a price without list, tiers and period
_PLAIN = dict(zip(_PRICE[3:], _PLAIN_PRICE, strict=True))
_STOCK = ("product_id", "location", "on_hand")
_RECORD = ("product_id", "hash", "line", "stock")
_BATCH = 100_000  # each costs a look through whole tables, which have no indexes yet

FILLED = TABLES[1:]
"""What is filled beside the products, which have to be found by their numbers meanwhile."""


class Layout:
    """Which product columns a feed gives; the others are the same in every row, so they are not carried along."""

    def __init__(self, feed: Feed, now: Instant) -> None:
        fields = feed.fields | {"sku", "name"} | ({"attributes"} if "extra" in feed.fields else set())
        given = [index for index, name in enumerate(COLUMNS) if name in fields]
        self.columns = ("id", *(COLUMNS[index] for index in given))
        self.constants = {
            **{name: DEFAULTS[SKU + index] for index, name in enumerate(COLUMNS) if index not in given},
            "version": 1,
            "created_at": now,
            "updated_at": now,
        }
        self._straight = "attributes" not in feed.fields
        places = {name: SKU + COLUMNS.index(name) for name in self.columns[1:]}
        if self._straight and "attributes" in places:
            places["attributes"] = EXTRA
        if "name" not in feed.fields:
            places["name"] = SKU  # see `creation_values`
        self._of_row = itemgetter(*places.values())
        self._of_values = itemgetter(*given)
        self._extra = self.columns.index("attributes") - 1 if "attributes" in self.columns else None
        # A table gives the same fields in every row, a JSON record may leave any of them out.
        self._same = self._straight and feed.header != RECORD_HEADER

        self._now = now

    def moments(self, priced: Iterable[tuple[int, FeedRow]]) -> list[dict[str, int]]:
        """The products of these numbered rows that have a moment to come, with the first of them.

        It can only be that of a price: feeds that schedule products are judged together.
        """
        found = []
        for number, row in priced:
            status = DEFAULTS[STATUS] if row[STATUS] is ... else row[STATUS]
            moment = next_moment(status, None, None, [price[4:] for price in row[PRICES]], after=self._now)
            if moment is not None:
                found.append({"id": number, "due_at": moment})
        return found

    def products(self, rows: Sequence[FeedRow], first_id: int) -> list[tuple[Any, ...]]:
        """Product rows, numbered, for feed rows whose products do not exist yet."""
        found = list(map(self._of_row, rows))
        if self._same and (self._extra is None or "null" not in "".join([values[self._extra] for values in found])):
            return [(number, *values) for number, values in enumerate(found, first_id)]
        for index, values in enumerate(found):
            # Single attributes can stand as they are, unless there are others to merge them with or some to remove.
            if ... in values or (self._extra is not None and (not self._straight or "null" in values[self._extra])):
                found[index] = self._of_values(creation_values(rows[index]))
        return [(number, *values) for number, values in enumerate(found, first_id)]


def prepare(
    feed: Feed, layout: Layout, first_id: int, *, feed_id: int, pack: Callable[..., object]
) -> Iterator[Prepared]:
    """In the child: batches of the feed as rows for each table, packed, with products numbered from `first_id`."""
    seen: set[str] = set()
    fed_stock = Remembered(_fed_stock)
    for batch in feed.batches():
        rows = batch.rows
        numbered = list(enumerate(rows, first_id))
        priced = [(number, row[PRICES]) for number, row in numbered if row[PRICES] is not ...]
        plain = [
            (number, price[0], price[1]) for number, prices in priced for price in prices if price[2:] == _PLAIN_PRICE
        ]
        others: list[tuple[Any, ...]] = []
        if len(plain) < sum([len(prices) for _, prices in priced]):
            others = [(number, *price) for number, prices in priced for price in prices if price[2:] != _PLAIN_PRICE]
        paths = category_paths({row[CATEGORY] for row in rows}, {row[CATEGORIES] for row in rows}) - seen
        seen |= paths
        yield (
            len(rows),
            first_id,
            pack(layout.products(rows, first_id), layout.constants),
            pack(plain, _PLAIN),
            pack(others, {}),
            pack([(number, *level) for number, row in numbered if row[STOCK] is not ... for level in row[STOCK]], {}),
            pack([(number, row[HASH], row[LINE], "{}" if row[STOCK] is ... else fed_stock[row[STOCK]])
                  for number, row in numbered], {"feed_id": feed_id}),
            list(paths),
            [tuple(reject) for reject in batch.rejects],
            batch.position,
            batch.line,
            layout.moments((number, row) for number, row in numbered if row[PRICES] is not ...) if others else [],
        )  # fmt: skip
        first_id += len(rows)


def write(unit: Unit, journal: Journal, layout: Layout, prepared: Prepared, *, actor: str, now: Instant) -> None:
    """In the parent: add a prepared batch and count it."""
    count, first, products, plain_prices, prices, stocks, records, paths, rejects, _, line, moments = prepared
    add_categories(unit, paths)
    if count:
        unit.insert_many("product", layout.columns, products, constants=layout.constants)
        unit.insert_many("price", _PRICE[:3], plain_prices, constants=_PLAIN)
        if prices:
            unit.insert_many("price", _PRICE, prices)
        unit.insert_many("stock", _STOCK, stocks)
        unit.insert_many("feed_record", _RECORD, records, constants={"feed_id": journal.feed_id})
        if moments:
            unit.execute_many("update product set due_at = :due_at where id = :id", moments)
        record_creations(unit, journal, first=first, last=first + count - 1, actor=actor, now=now)
    journals.add_rejects(unit, journal, rejects)
    journal.line = line
    journal.counts.rows += count + len(rejects)
    journal.counts.created += count
    journal.counts.rejected += len(rejects)


def settle(unit: Unit, journal: Journal) -> None:
    """Of several products with one SKU keep that of the last line, and name the others."""
    beaten = unit.tuples(
        """select p.id, r.line, p.sku, w.line
             from (select sku, max(id) as winner from product group by sku having count(*) > 1) s
             join product p on p.sku = s.sku and p.id <> s.winner
             join feed_record r on r.product_id = p.id
             join feed_record w on w.product_id = s.winner"""
    )
    for start in range(0, len(beaten), _BATCH):
        numbers = json_rows([row[0]] for row in beaten[start : start + _BATCH])
        for table, key in (
            ("price", "product_id"),
            ("stock", "product_id"),
            ("feed_record", "product_id"),
            ("change", "product_id"),
            ("product", "id"),
        ):
            unit.execute(
                f"delete from {table} where {key} in (select cast(value ->> 0 as bigint) from {unit.each('ids')})",
                ids=numbers,
            )
    journals.add_rejects(unit, journal, [journals.superseded(line, sku, winner) for _, line, sku, winner in beaten])
    journal.counts.created -= len(beaten)
    journal.counts.superseded += len(beaten)


def _fed_stock(levels: Sequence[tuple[str, int]]) -> str:
    return canonical(dict(levels))
