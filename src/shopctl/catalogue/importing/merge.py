"""Merging: feed rows become products, prices, stock and change rows, one statement a table and batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from shopctl.catalogue import due
from shopctl.catalogue.changes import previous_json
from shopctl.catalogue.feed.row import CATEGORIES, CATEGORY, SKU, FeedRow, canonical
from shopctl.catalogue.importing.categories import add_categories, category_paths
from shopctl.catalogue.importing.current import COLUMNS, load
from shopctl.catalogue.importing.journal import Journal, json_rows
from shopctl.catalogue.importing.outcome import Outcome, outcome
from shopctl.catalogue.importing.survey import Judge
from shopctl.catalogue.moments import next_moment
from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit

FIRST_PRODUCT = 1

TABLES = ("product", "price", "stock", "feed_record", "change")
"""What grows with the products."""

_STATUS = COLUMNS.index("status")

_UPDATE = f"""update product set version = version + 1, updated_at = :now, due_at = {due.KEEP_DUE},
                     {", ".join(f"{name} = :{name}" for name in COLUMNS)}
               where id = :id and version = :version"""


def merge(
    unit: Unit, journal: Journal, rows: Sequence[FeedRow], *, actor: str, now: Instant, judge: Judge = outcome
) -> list[Outcome]:
    """Bring the shop to what these rows say (one row a SKU) and count what became of them."""
    present = load(unit, (row[SKU] for row in rows), journal.feed_id)
    judged = [judge(row, present.get(row[SKU])) for row in rows]
    outcomes = [each for each in judged if each is not None]
    creations = [each for each in outcomes if each.current is None]
    updates = [each for each in outcomes if each.current is not None and each.changed]
    add_categories(unit, category_paths((row[CATEGORY] for row in rows), (row[CATEGORIES] for row in rows)))
    create(unit, journal, creations, actor=actor, now=now)
    _update(unit, journal, updates, actor=actor, now=now)
    _remember(unit, journal, outcomes)
    counts = journal.counts
    counts.created += len(creations)
    counts.updated += len(updates)
    counts.unchanged += len(judged) - len(creations) - len(updates)
    return outcomes


def create(unit: Unit, journal: Journal, creations: Sequence[Outcome], *, actor: str, now: Instant) -> None:
    """Add products that do not exist yet."""
    if not creations:
        return
    first = next_product_id(unit)
    numbered = list(enumerate(creations, first))
    unit.insert_many(
        "product",
        ("id", *COLUMNS, "version", "created_at", "updated_at", "due_at"),
        [(number, *each.values, 1, now, now, due_at(each, now)) for number, each in numbered],
    )
    _insert_prices(unit, numbered)
    unit.insert_many(
        "stock",
        ("product_id", "location", "on_hand"),
        [(number, location, quantity) for number, each in numbered for location, quantity in each.stock.items()],
    )
    record_creations(unit, journal, first=first, last=numbered[-1][0], actor=actor, now=now)


def record_creations(unit: Unit, journal: Journal, *, actor: str, now: Instant, first: int, last: int) -> None:
    """One change row for each product created, by their numbers, which have no gaps."""
    unit.execute(
        """insert into change (product_id, kind, at, version, import_id, actor)
           select id, 'create', :now, 1, :import_id, :actor from product
            where id between :first and :last order by id""",
        now=now, import_id=journal.id, actor=actor, first=first, last=last,
    )  # fmt: skip


def due_at(each: Outcome, now: Instant) -> Instant | None:
    """The first moment to come of what a row leads to."""
    periods = [(since, until) for (_, _, _, since), (_, until) in each.prices.items()]
    return next_moment(each.values[_STATUS], each.values[-2], each.values[-1], periods, after=now)


def next_product_id(unit: Unit) -> int:
    """The number the next product gets; only the holder of the import lock creates products.

    That of a product which was removed is not given again: the log tells of it under its number.
    """
    return int(
        unit.value(
            """select coalesce(max(id), 0) + 1 from
                   (select max(id) as id from product union all select max(id) from removed_product) as given"""
        )
    )


def _update(unit: Unit, journal: Journal, updates: Sequence[Outcome], *, actor: str, now: Instant) -> None:
    visible = [each for each in updates if each.replaced]
    unit.execute_many(_UPDATE, [_parameters(each, now) for each in visible])
    unit.insert_many(
        "change",
        ("product_id", "kind", "at", "version", "import_id", "actor", "previous"),
        [
            (number, "update", now, version + 1, journal.id, actor, previous_json(replaced))
            for number, version, replaced in (_facts(each) for each in visible)
        ],
    )
    repriced = [each for each in visible if "prices" in each.replaced]
    if repriced:
        numbers = json_rows([_facts(each)[0]] for each in repriced)
        unit.execute(
            f"delete from price where product_id in (select cast(value ->> 0 as bigint) from {unit.each('ids')})",
            ids=numbers,
        )
        _insert_prices(unit, [(_facts(each)[0], each) for each in repriced])
    _set_stock(unit, journal, [each for each in updates if each.stock], now)
    # What other feeds said of these products may be true no longer: their next import must look.
    unit.execute(
        f"""update feed_record set hash = null
             where feed_id in (select id from feed where id <> :feed) and hash is not null
               and product_id in (select cast(value ->> 0 as bigint) from {unit.each("ids")})""",
        feed=journal.feed_id,
        ids=json_rows([_facts(each)[0]] for each in visible),
    )


def _insert_prices(unit: Unit, numbered: Iterable[tuple[int, Outcome]]) -> None:
    unit.insert_many(
        "price",
        ("product_id", "currency", "list", "min_quantity", "valid_from", "amount", "valid_until"),
        [(number, *key, *value) for number, each in numbered for key, value in each.prices.items()],
    )


def _set_stock(unit: Unit, journal: Journal, restocked: Sequence[Outcome], now: Instant) -> None:
    levels = [
        (_facts(each)[0], location, quantity, quantity - (each.current.stock.get(location, 0) if each.current else 0))
        for each in restocked
        for location, quantity in each.stock.items()
    ]
    unit.execute_many(
        """insert into stock (product_id, location, on_hand) values (:id, :location, :on_hand)
           on conflict (product_id, location) do update set on_hand = excluded.on_hand""",
        [{"id": number, "location": location, "on_hand": quantity} for number, location, quantity, _ in levels],
    )
    unit.insert_many(
        "stock_movement",
        ("product_id", "location", "delta", "on_hand", "cause", "reference", "at"),
        [
            (number, location, delta, quantity, "import", journal.id, now)
            for number, location, quantity, delta in levels
        ],
    )


def _remember(unit: Unit, journal: Journal, outcomes: Sequence[Outcome]) -> None:
    # What the feed said is kept also for rows that changed nothing: the next import need not parse them.
    unit.execute(
        f"""insert into feed_record (feed_id, product_id, hash, line, stock)
            select :feed, p.id, cast(value ->> 1 as bigint), cast(value ->> 2 as bigint), value ->> 3
              from {unit.each("records")} join product p on p.sku = value ->> 0 where true
            on conflict (feed_id, product_id) do update
               set hash = excluded.hash, line = excluded.line, stock = excluded.stock""",
        feed=journal.feed_id,
        records=json_rows((each.sku, each.hash, each.line, canonical(each.fed_stock)) for each in outcomes),
    )


def _facts(each: Outcome) -> tuple[int, int, dict[str, Any]]:
    if each.current is None:
        raise AssertionError("only products that exist are updated")
    return each.current.id, each.current.version, each.replaced


def _parameters(each: Outcome, now: Instant) -> dict[str, object]:
    number, version, _ = _facts(each)
    return {**dict(zip(COLUMNS, each.values, strict=True)), "id": number, "version": version, "now": now,
            "due_at": due_at(each, now)}  # fmt: skip
