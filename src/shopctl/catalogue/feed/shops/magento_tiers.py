"""Magento's advanced-pricing CSV: prices by customer group, website and quantity, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from shopctl.catalogue.feed import validate
from shopctl.catalogue.feed.row import DEFAULT_LIST
from shopctl.catalogue.feed.shops.cells import digest, plain
from shopctl.catalogue.feed.shops.grouped import Grouped, Line
from shopctl.catalogue.feed.shops.magento_prices import EVER_SINCE, amount_of
from shopctl.catalogue.feed.shops.shop import Cells, Family, Record, Said, Shop, Terms
from shopctl.catalogue.feed.validate import Bad, Price
from shopctl.catalogue.model import Product
from shopctl.kernel import money

COLUMNS = (
    "sku", "tier_price_website", "tier_price_customer_group", "tier_price_qty", "tier_price", "tier_price_value_type",
)  # fmt: skip
DISCOUNTS = "tier_price_discounts"
"""The attribute that keeps tiers in percent, which need a price this file does not tell."""

_EVERY_WEBSITE = re.compile(r"(?:all websites|base)?\s*(?:\[([A-Za-z]{3})\])?", re.IGNORECASE)
_EVERY_GROUP = "ALL GROUPS"
_AT = " @ "  # between customer group and website in the name of a price list


def shop() -> Shop:
    """The module as what it is: a shop."""
    return MagentoTiers()


class MagentoTiers:
    """See shop.Shop."""

    name = "magento-tiers"

    def recognises(self, columns: frozenset[str]) -> bool:
        """A SKU, a quantity and a price from that quantity on."""
        return {"sku", "tier_price_qty", "tier_price"} <= columns

    def column(self, header: str) -> str:
        """See shop.Shop."""
        return header.strip().lower()

    def rows(self, columns: frozenset[str], terms: Terms) -> Grouped:
        """See shop.Shop."""
        return Grouped(lambda cells: plain(cells["sku"]), partial(_said, terms))

    def written(self, family: Family, terms: Terms) -> list[Cells]:
        """See shop.Shop."""
        return [cells for product in family for cells in _rows(product)]

    def header(self, columns: Iterable[str]) -> list[tuple[str, str]]:
        """See shop.Shop."""
        return [(name, name) for name in COLUMNS]


def _said(terms: Terms, lines: Sequence[Line], _earlier: Cells | None) -> Iterator[Said]:
    first = lines[0]
    raw = digest([line.raw for line in lines]) + first.raw
    yield Said(first.line, plain(first.cells["sku"]), raw, first.cells, partial(_record, terms, lines))


def _record(terms: Terms, lines: Sequence[Line]) -> Record:
    """Prices of one product. A tier from one piece on stands beside the regular price, and the lower one is paid."""
    prices: dict[tuple[str, str, int], Price] = {}
    discounts: list[dict[str, Any]] = []
    for _, _, cells in lines:
        if not plain(cells["tier_price"]):
            continue
        currency, price_list = _list(cells, terms)
        least = _quantity(plain(cells["tier_price_qty"]))
        if cells.get("tier_price_value_type", "").strip().casefold() == "discount":
            discounts.append({"list": price_list, "min_quantity": least, "percent": plain(cells["tier_price"])})
            continue
        amount, code, _ = amount_of(plain(cells["tier_price"]), terms._replace(currency=currency), "tier_price")
        start = EVER_SINCE if price_list == DEFAULT_LIST and least == 1 else 0
        key = (code, price_list, least)
        if key in prices:
            raise Bad("tier_price", "price.twice", f"two prices for {code}, list {price_list}, from {least} piece(s)")
        prices[key] = (code, amount, price_list, least, start, None)
    return Record({"prices": tuple(prices.values())}, {DISCOUNTS: discounts} if discounts else {})


def _list(cells: Cells, terms: Terms) -> tuple[str, str]:
    """Currency and price list of a tier: that of its customer group, of its website where it is not for all."""
    website = cells.get("tier_price_website", "").strip()
    group = cells.get("tier_price_customer_group", "").strip()
    if group.casefold() in ("", "all groups", DEFAULT_LIST):
        group = ""
    if every := _EVERY_WEBSITE.fullmatch(website):
        name, currency = group or DEFAULT_LIST, every[1]
    else:
        name, currency = (group or _EVERY_GROUP) + _AT + website, None
    return validate.currency(currency or "", terms.currency), validate.word(
        name, "tier_price_customer_group", validate.WORD_LENGTH
    )


def _quantity(cell: str) -> int:
    whole = re.fullmatch(r"([0-9]+)(?:[.,]0+)?", cell)
    least = int(whole[1]) if whole and len(whole[1]) < 16 else 0
    if not 0 < least <= validate.LARGEST_QUANTITY:
        raise Bad("tier_price_qty", "price.min_quantity", f"{cell[:40]!r} is not a positive whole number")
    return least


def _rows(product: Product) -> Iterator[Cells]:
    for price in product.prices:
        usual = price.list == DEFAULT_LIST and price.min_quantity == 1
        if price.valid_until is None and price.valid_from == (EVER_SINCE if usual else 0):
            yield _row(product, price.list, price.min_quantity, money.show(price.amount, price.currency), "Fixed",
                       price.currency)  # fmt: skip
    kept = product.attributes.get(DISCOUNTS)
    for tier in kept if isinstance(kept, list) else []:
        if isinstance(tier, dict) and tier.keys() == {"list", "min_quantity", "percent"}:
            yield _row(product, str(tier["list"]), tier["min_quantity"], str(tier["percent"]), "Discount")


def _row(product: Product, price_list: str, least: int, amount: str, kind: str, currency: str = "") -> Cells:
    group, _, website = price_list.partition(_AT)
    every = f"All Websites [{currency}]" if currency else "All Websites"
    cells = (product.sku, website or every, _EVERY_GROUP if group == DEFAULT_LIST else group, str(least), amount, kind)
    return dict(zip(COLUMNS, cells, strict=True))
