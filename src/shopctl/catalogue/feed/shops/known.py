"""The shops there are, by the names --format has for them, and which of them a header belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from shopctl.catalogue.feed.shops.shop import Shop

TABLES = ("shopify-inventory", "shopify", "woocommerce", "magento-tiers", "magento", "saleor", "vendure", "medusa")
"""Shops whose files are rows under a header; each is a module of this room with a function `shop`."""


def named(name: str) -> Shop:
    """The shop of this name, out of TABLES."""
    shop: Shop = import_module(f"shopctl.catalogue.feed.shops.{name.replace('-', '_')}").shop()
    return shop


def recognised(header: Sequence[str]) -> Shop | None:
    """The shop that writes such a header; None for a plain feed."""
    for name in TABLES:
        shop = named(name)
        if shop.recognises(frozenset(map(shop.column, header))):
            return shop
    return None
