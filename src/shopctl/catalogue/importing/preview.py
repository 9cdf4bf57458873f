"""A dry run: what an import would add, change field by field, and retire, without writing any of it."""

from __future__ import annotations

import json
from typing import Any

from shopctl.catalogue.feed.row import FeedRow
from shopctl.catalogue.importing.current import COLUMNS, PriceKey, PriceValue
from shopctl.catalogue.importing.journal import Counts
from shopctl.catalogue.importing.outcome import Outcome
from shopctl.catalogue.importing.prune import Missing
from shopctl.kernel import money

_JSON_COLUMNS = frozenset({"categories", "options", "attributes", "tags", "media", "components"})


class Preview:
    """Watches a survey: counts what would happen into `counts`, and keeps the first `limit` changes in full."""

    def __init__(self, counts: Counts, limit: int) -> None:
        self.counts = counts
        self.limit = limit
        self.changes: list[dict[str, Any]] = []

    def row(self, row: FeedRow, found: Outcome) -> None:
        """Count what a row does."""
        if not found.changed:
            self.counts.unchanged += 1
            return
        if found.current is None:
            self.counts.created += 1
        else:
            self.counts.updated += 1
        if len(self.changes) < self.limit:
            self.changes.append(_change(found))

    def gone(self, product: Missing) -> None:
        """Count a retirement."""
        self.counts.retired += 1
        if len(self.changes) < self.limit:
            fields = {"status": {"from": product.status, "to": "retired"}}
            self.changes.append({"sku": product.sku, "action": "retire", "fields": fields})


def _change(each: Outcome) -> dict[str, Any]:
    after = dict(zip(COLUMNS, each.values, strict=True))
    if each.current is None:
        fields = {name: {"from": None, "to": _value(name, value)} for name, value in after.items() if _given(value)}
        if each.prices:
            fields["prices"] = {"from": None, "to": _prices(each.prices)}
    else:
        fields = {
            name: {"from": _value(name, before), "to": _value(name, after[name])}
            for name, before in each.replaced.items()
            if name != "prices"
        }
        if "prices" in each.replaced:
            fields["prices"] = {"from": _prices(each.current.prices), "to": _prices(each.prices)}
    for location, quantity in each.stock.items():
        before = each.current.stock.get(location) if each.current else None
        fields[f"stock.{location}"] = {"from": before, "to": quantity}
    return {"sku": each.sku, "action": "create" if each.current is None else "update", "fields": fields}


def _given(value: object) -> bool:
    return value not in ("", "[]", "{}", None)


def _value(name: str, value: Any) -> Any:
    return json.loads(value) if name in _JSON_COLUMNS and isinstance(value, str) else value


def _prices(prices: dict[PriceKey, PriceValue]) -> list[str]:
    shown = []
    for (currency, price_list, quantity, since), (amount, until) in sorted(prices.items()):
        text = f"{money.show(amount, currency)} {currency}"
        if price_list != "default":
            text += f" on {price_list}"
        if quantity != 1:
            text += f" from {quantity}"
        if since or until:
            text += " within a period"
        shown.append(text)
    return shown
