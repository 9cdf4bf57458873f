"""What a format could not carry: products are compared with what reading their rows back gives."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from shopctl.catalogue.feed.row import DEFAULT_LIST, DEFAULTS, EXTRA, FIELDS, PRICES, SKU, STOCK, FeedRow
from shopctl.catalogue.feed.shops.shop import Family
from shopctl.catalogue.model import Product

_COMPARED = (
    "parent_sku", "kind", "status", "name", "description", "brand", "category", "categories", "tax_class", "options",
    "tags", "media", "components", "publish_at", "retire_at",
)  # fmt: skip
_SHOWN = 8


class Losses:
    """Counts, field by field, the products whose field a format cannot say."""

    def __init__(self) -> None:
        self.fields: Counter[str] = Counter()
        self.parts: dict[str, Counter[str]] = {"attributes": Counter(), "prices": Counter(), "stock": Counter()}

    def count(self, family: Family, rows: Iterable[FeedRow]) -> None:
        """Compare a product and its variants with what was read back of them."""
        said = {row[SKU]: row for row in rows}
        for product in family:
            row = said.get(product.sku)
            if row is None:
                self.fields["sku"] += 1
                continue
            self.fields.update(_lost(product, row))
            for field, parts in (
                ("attributes", _lost_attributes(product, row)),
                ("prices", _lost_prices(product, row)),
                ("stock", _lost_stock(product, row)),
            ):
                found = set(parts)
                self.fields[field] += bool(found)
                self.parts[field].update(found)

    def as_dict(self) -> dict[str, dict[str, Any]]:
        """Field -> {"products": how many, "parts": {which attribute, price list or location: how many}}."""
        return {
            field: {"products": self.fields[field], "parts": dict(self.parts.get(field, {}))}
            for field in ("sku", *FIELDS[3:])
            if self.fields[field]
        }

    def described(self) -> str:
        """The same in a line: `kind of 1 product, prices of 12 (EUR, JPY)`; "" where nothing was lost."""
        lines: list[str] = []
        for field, facts in self.as_dict().items():
            names = [name for name, _ in sorted(facts["parts"].items(), key=lambda part: (-part[1], part[0]))]
            shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
            count = facts["products"]
            products = "" if lines else " product" if count == 1 else " products"
            lines.append(f"{field} of {count:,}{products}" + (f" ({shown})" if shown else ""))
        return ", ".join(lines)


def _lost(product: Product, row: FeedRow) -> Iterator[str]:
    for field in _COMPARED:
        own = getattr(product, field)
        value = row[FIELDS.index(field)]
        if isinstance(own, (list, dict)) and isinstance(value, str):
            value = json.loads(value)
        # What a format does not say of a new product is as it usually is.
        if own and own != (DEFAULTS[FIELDS.index(field)] if value is ... else value):
            yield field


def _lost_attributes(product: Product, row: FeedRow) -> Iterator[str]:
    said = {} if row[EXTRA] is ... else json.loads(row[EXTRA])
    for key, value in product.attributes.items():
        if key not in said or said[key] != value or type(said[key]) is not type(value):
            yield key


def _lost_prices(product: Product, row: FeedRow) -> Iterator[str]:
    said = set() if row[PRICES] is ... else set(row[PRICES])
    for price in product.prices:
        if tuple(price) not in said:
            name = price.currency if price.list == DEFAULT_LIST else f"{price.currency} {price.list}"
            period = " by date" if price.valid_from or price.valid_until is not None else ""
            yield name + (" by quantity" if price.min_quantity > 1 else "") + period


def _lost_stock(product: Product, row: FeedRow) -> Iterator[str]:
    said = set() if row[STOCK] is ... else set(row[STOCK])
    for level in product.stock:
        if (level.location, level.on_hand) not in said:
            yield level.location
