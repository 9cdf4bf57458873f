"""Stores products that changed: compare-and-set on their version, their prices, and a row in the change log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from shopctl.catalogue import changes, due, moments, queries
from shopctl.catalogue.errors import ProductNotFound, StaleProduct
from shopctl.catalogue.feed.row import canonical
from shopctl.catalogue.importing.categories import add_categories
from shopctl.catalogue.model import Product
from shopctl.kernel.clock import Instant
from shopctl.storage.unit import Unit, json_array

_FIELDS = tuple(name for name in queries.COLUMNS if name not in ("id", "sku", "version", "created_at", "updated_at"))
_PRICE = ("product_id", "currency", "amount", "list", "min_quantity", "valid_from", "valid_until")
_UPDATE = f"""update product set version = version + 1, updated_at = :now, due_at = {due.KEEP_DUE},
                     {", ".join(f"{name} = :{name}" for name in _FIELDS)}
               where id = :id and version = :version"""


class Edit(NamedTuple):
    """A product before and after; `after` carries the version that `before` has until it is saved."""

    before: Product
    after: Product

    @property
    def replaced(self) -> dict[str, Any]:
        """The fields that differ, with what they held before; empty when nothing changes."""
        return changes.replaced_values(self.before, self.after)


def locked(unit: Unit, skus: Sequence[str], *, now: Instant) -> list[Product]:
    """The products of these SKUs in that order, each once, kept from other writers.

    Raises ProductNotFound naming all that are missing.
    """
    found = queries.by_skus(unit, skus, now=now, lock=True)
    wanted = dict.fromkeys(skus)
    if missing := [sku for sku in wanted if sku not in found]:
        raise not_found(unit, missing)
    return [found[sku] for sku in wanted]


def save(unit: Unit, edits: Iterable[Edit], *, kind: str, now: Instant, actor: str) -> list[Edit]:
    """Store what really changes and say so in the change log; the edits made, `after` as it is stored now.

    The next import looks at the products again, whatever their feed said last. Raises StaleProduct.
    """
    saved = []
    rows = []
    for edit in edits:
        if not (replaced := edit.replaced):
            continue
        before = edit.before
        # A clock set back must not bring a later version before an earlier one.
        after = edit.after._replace(version=before.version + 1, updated_at=max(now, before.updated_at))
        add_categories(unit, {path for path in (after.category, *after.categories) if path})
        if unit.execute(_UPDATE, **_columns(after), id=before.id, version=before.version) != 1:
            raise StaleProduct(sku=before.sku)
        if "prices" in replaced:
            _save_prices(unit, after)
        _forget_feed(unit, before.id)
        rows.append(
            changes.Change(
                before.id, kind, after.updated_at, after.version, None, actor, changes.previous_json(replaced)
            )
        )
        saved.append(Edit(before, after))
    changes.record(unit, rows)
    return saved


def save_many(
    unit: Unit,
    pairs: Sequence[tuple[Product, Product]],
    *,
    kind: str,
    import_id: str,
    now: Instant,
    actor: str,
) -> None:
    """Store what many products, locked in this unit, become, one statement a table: (before, after).

    Each gets a change row, as a change of that import; the next import of any feed looks at them again.
    """
    saved = [
        Edit(before, after._replace(version=before.version + 1, updated_at=max(now, before.updated_at)))
        for before, after in pairs
    ]
    if not saved:
        return
    add_categories(unit, {path for _, after in saved for path in (after.category, *after.categories) if path})
    unit.execute_many(
        _UPDATE, [{**_columns(after), "id": before.id, "version": before.version} for before, after in saved]
    )
    repriced = [edit.after for edit in saved if "prices" in edit.replaced]
    among = f"in (select cast(each.value ->> 0 as bigint) from {unit.each('ids')})"
    unit.execute(f"delete from price where product_id {among}", ids=json_array(each.id for each in repriced))
    unit.insert_many("price", _PRICE, [(product.id, *price) for product in repriced for price in product.prices])
    unit.execute(
        f"""update feed_record set hash = null
             where feed_id in (select id from feed) and hash is not null and product_id {among}""",
        ids=json_array(edit.before.id for edit in saved),
    )
    changes.record(
        unit,
        [
            changes.Change(
                after.id, kind, after.updated_at, after.version, import_id, actor,
                changes.previous_json(Edit(before, after).replaced),
            )
            for before, after in saved
        ],
    )  # fmt: skip


def not_found(unit: Unit, skus: Sequence[str]) -> ProductNotFound:
    """The error for SKUs that are not there, with the nearest one that is."""
    near = nearest(unit, skus[0])
    names = ", ".join(map(repr, skus[:20])) + (f" and {len(skus) - 20} more" if len(skus) > 20 else "")
    return ProductNotFound(skus=names, suggestion=f"Did you mean: {near}? " if near else "")


def nearest(unit: Unit, sku: str) -> str | None:
    """The SKU most like this one, among those that begin like it in either case; None when none is like it."""
    from difflib import get_close_matches

    for length in range(len(sku) - 1, 0, -1 if len(sku) < 6 else -3):
        for start in dict.fromkeys((sku[:length], sku[:length].upper(), sku[:length].lower())):
            candidates = queries.skus_starting_with(unit, start, limit=500)
            by_case = {candidate.casefold(): candidate for candidate in candidates}
            if near := get_close_matches(sku.casefold(), by_case, 1):
                return by_case[near[0]]
    return None


def _columns(product: Product) -> dict[str, object]:
    values: dict[str, object] = {name: getattr(product, name) for name in _FIELDS}
    values.update({name: canonical(values[name]) for name in queries.JSON_COLUMNS})
    now = product.updated_at
    return {**values, "now": now, "due_at": moments.next_of(product, after=now)}


def _save_prices(unit: Unit, product: Product) -> None:
    unit.execute("delete from price where product_id = :id", id=product.id)
    unit.insert_many("price", _PRICE, [(product.id, *price) for price in product.prices])


def _forget_feed(unit: Unit, product_id: int) -> None:
    # Feeds are few and lead the key, so that this finds its rows without a scan.
    unit.execute(
        """update feed_record set hash = null
            where product_id = :id and feed_id in (select id from feed) and hash is not null""",
        id=product_id,
    )
