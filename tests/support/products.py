"""Products for tests: plain ones in memory, and plain ones in a database, created as an import creates them."""

from __future__ import annotations

from typing import Any

from shopctl.catalogue import changes, moments, queries
from shopctl.catalogue.feed.row import canonical
from shopctl.catalogue.model import Price, Product
from shopctl.storage.unit import Unit

NOW = 1_795_000_000_000_000
HOUR = 3_600_000_000


def product(sku: str = "MUG-1", **given: Any) -> Product:
    """A mug, with other fields than its own where they are given."""
    mug = Product(
        id=1, sku=sku, parent_sku="", kind="physical", status="active", name="Mug", description="", brand="",
        category="", categories=[], tax_class="", options={}, attributes={}, tags=[], media=[], components=[],
        publish_at=None, retire_at=None, version=1, created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    return mug._replace(**given)


def add(unit: Unit, *skus: str, at: int = NOW, stock: int | None = None, prices: Any = (), **given: Any) -> None:
    """Store new products, with `stock` pieces at the default location, and say so in the change log."""
    first = unit.value("select coalesce(max(id), 0) + 1 from product")
    for number, sku in enumerate(skus, first):
        made = product(sku, id=number, created_at=at, updated_at=at, **given)
        row = [
            canonical(getattr(made, name)) if name in queries.JSON_COLUMNS else getattr(made, name)
            for name in queries.COLUMNS
        ]
        made = made._replace(prices=tuple(Price(*price) for price in prices))
        unit.insert_many("product", (*queries.COLUMNS, "due_at"), [(*row, moments.next_of(made, after=at))])
        unit.insert_many(
            "price",
            ("product_id", "currency", "amount", "list", "min_quantity", "valid_from", "valid_until"),
            [(number, *Price(*price)) for price in prices],
        )
        if stock is not None:
            unit.insert_many("stock", ("product_id", "location", "on_hand"), [(number, "default", stock)])
        changes.record(unit, [changes.Change(number, "create", at, 1, None, "os:anna", None)])
