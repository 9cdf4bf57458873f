"""What a product is by WooCommerce's types, and the type an export gives it."""

from __future__ import annotations

from shopctl.catalogue.feed.shops.woocommerce_columns import several

_BUNDLES = {"grouped", "bundle", "composite", "woosb", "yith_bundle", "product-bundle"}
_SERVICES = {"booking", "accommodation-booking", "appointment", "service"}
_NOT_SHIPPED = {"virtual", "downloadable", "course", "gift-card", "pw-gift-card", "membership"}
_PLAIN: tuple[list[str], ...] = (["simple"], ["variation"], ["simple", "virtual"], ["variation", "virtual"], [])


def parts_of(cell: str) -> list[str]:
    """`simple, downloadable, virtual` in its parts."""
    return [part.casefold() for part in several(cell)]


def kind_of(cell: str) -> str:
    """The kind, out of row.KINDS."""
    parts = set(parts_of(cell))
    if parts & _BUNDLES:
        return "bundle"
    if any("subscription" in part for part in parts):
        return "subscription"
    if parts & _SERVICES:
        return "service"
    return "digital" if parts & _NOT_SHIPPED else "physical"


def plain_type(cell: str) -> bool:
    """Whether the kind alone says as much as the type does."""
    return parts_of(cell) in _PLAIN


def type_of(kind: str, said: object, *, is_parent: bool, is_variant: bool) -> str:
    """The type of a product; `said` is the one it came with, if any, which holds while it fits."""
    if isinstance(said, str) and kind_of(said) == kind:
        variable, variation = "variable" in said, "variation" in said
        if variation == is_variant and (variable or not is_parent) and not (variable and is_variant):
            return said
    if kind == "subscription":
        return "subscription_variation" if is_variant else "variable-subscription" if is_parent else "subscription"
    if kind == "bundle" and not is_variant and not is_parent:
        return "grouped"
    base = "variation" if is_variant else "variable" if is_parent else "simple"
    return f"{base}, virtual" if kind in ("digital", "service") else base
