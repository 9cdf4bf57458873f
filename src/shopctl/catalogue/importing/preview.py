"""A dry run: what an import would add, change field by field, and retire, without writing any of it."""

from __future__ import annotations

import json
from typing import Any

from shopctl.catalogue.feed.row import SKU
from shopctl.catalogue.importing import stage
from shopctl.catalogue.importing.current import COLUMNS, PriceKey, PriceValue, load
from shopctl.catalogue.importing.journal import Journal
from shopctl.catalogue.importing.known import KnownRecords
from shopctl.catalogue.importing.outcome import Outcome, outcome
from shopctl.catalogue.importing.prune import missing
from shopctl.kernel import money
from shopctl.storage.unit import Unit

_JSON_COLUMNS = frozenset({"categories", "options", "attributes", "tags", "media", "components"})


def preview(unit: Unit, journal: Journal, known: KnownRecords, *, prune: bool, limit: int) -> list[dict[str, Any]]:
    """Count what would happen into the journal's counts; the first `limit` changes in full."""
    counts = journal.counts
    shown: list[dict[str, Any]] = []
    for rows in stage.batches(unit, journal):
        present = load(unit, (row[SKU] for row in rows), journal.feed_id, lock=False)
        for each in (outcome(row, present.get(row[SKU])) for row in rows):
            if not each.changed:
                counts.unchanged += 1
                continue
            if each.current is None:
                counts.created += 1
            else:
                counts.updated += 1
            if len(shown) < limit:
                shown.append(_change(each))
    if prune:
        gone = missing(unit, journal, known, lock=False)
        counts.retired += len(gone)
        shown += [
            {"sku": product.sku, "action": "retire", "fields": {"status": {"from": product.status, "to": "retired"}}}
            for product in gone[: limit - len(shown)]
        ]
    return shown


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
