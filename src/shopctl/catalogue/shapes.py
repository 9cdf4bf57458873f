"""How a product is shown: as the document of `catalogue show`, and field by field."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shopctl.catalogue.model import DEFAULT_LIST, Price, Product, StockLevel, nearest_price
from shopctl.kernel import clock, money
from shopctl.kernel.clock import Instant


def shown(product: Product, now: Instant) -> dict[str, Any]:
    """The document of a product: times as RFC 3339, amounts as decimals, the status that holds at `now`."""
    return {
        "sku": product.sku,
        "name": product.name,
        "description": product.description,
        "category": product.category,
        "brand": product.brand,
        "kind": product.kind,
        "status": product.status_at(now),
        "parent_sku": product.parent_sku or None,
        "options": product.options,
        "attributes": product.attributes,
        "prices": [shown_price(price) for price in product.prices],
        "stock": shown_stock(product.stock),
        "tags": product.tags,
        "categories": product.categories,
        "tax_class": product.tax_class,
        "media": product.media,
        "components": product.components,
        "publish_at": clock.show(product.publish_at),
        "retire_at": clock.show(product.retire_at),
        "version": product.version,
        "created_at": clock.show(product.created_at),
        "updated_at": clock.show(product.updated_at),
    }


def shown_price(price: Price) -> dict[str, Any]:
    """A price with its amount as a decimal."""
    return {
        "currency": price.currency,
        "amount": money.show(price.amount, price.currency),
        "list": price.list,
        "min_quantity": price.min_quantity,
        "valid_from": clock.show(price.valid_from or None),
        "valid_until": clock.show(price.valid_until),
    }


def shown_stock(levels: Iterable[StockLevel]) -> dict[str, Any]:
    """Stock in all, and by location."""
    levels = list(levels)
    return {
        "on_hand": sum(level.on_hand for level in levels),
        "reserved": sum(level.reserved for level in levels),
        "available": sum(level.available for level in levels),
        "locations": [{**level._asdict(), "available": level.available} for level in levels],
    }


def listed(product: Product, *, currency: str, now: Instant) -> dict[str, Any]:
    """A product as a row of a list, with the price of one piece, in `currency` where there is one."""
    price = nearest_price(product.prices, currency=currency, at=now)
    return {
        "sku": product.sku,
        "name": product.name,
        "kind": product.kind,
        "status": product.status_at(now),
        "brand": product.brand,
        "category": product.category,
        "parent_sku": product.parent_sku or None,
        "price": price and {"amount": money.show(price.amount, price.currency), "currency": price.currency},
        "available": sum(level.available for level in product.stock),
        "version": product.version,
        "updated_at": clock.show(product.updated_at),
    }


def flat(product: Product) -> dict[str, Any]:
    """Every field that is given, by the name that `catalogue set` knows it by; values as JSON shows them."""
    plain: dict[str, Any] = {
        "name": product.name,
        "description": product.description,
        "kind": product.kind,
        "status": product.status,
        "parent_sku": product.parent_sku,
        "brand": product.brand,
        "category": product.category,
        "categories": product.categories,
        "tax_class": product.tax_class,
        "tags": product.tags,
        "media": product.media,
        "components": product.components,
        "publish_at": clock.show(product.publish_at),
        "retire_at": clock.show(product.retire_at),
    }
    return {
        **{field: value for field, value in plain.items() if value not in (None, "", [])},
        **{f"options.{key}": value for key, value in product.options.items()},
        **{f"attributes.{key}": value for key, value in product.attributes.items()},
        **{price_field(price): _amount(price) for price in product.prices},
    }


def price_field(price: Price) -> str:
    """`price.EUR`; the list, the quantity and the beginning follow only where they are not the usual ones."""
    parts = ["price", price.currency]
    usual = (price.list == DEFAULT_LIST, price.min_quantity == 1, not price.valid_from)
    if not all(usual):
        parts.append(price.list)
    if not all(usual[1:]):
        parts.append(str(price.min_quantity))
    return ".".join(parts) + (f"@{clock.show(price.valid_from)}" if price.valid_from else "")


def _amount(price: Price) -> str:
    amount = money.show(price.amount, price.currency)
    return amount if price.valid_until is None else f"{amount} until {clock.show(price.valid_until)}"
