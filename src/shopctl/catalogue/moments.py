"""The moments at which what buyers meet of a product becomes different without anybody doing anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from shopctl.catalogue.model import Price, Product, sorted_prices
from shopctl.kernel.clock import Instant

Kind = Literal["publication_due", "price_due"]

KINDS: tuple[Kind, ...] = ("publication_due", "price_due")
"""What falls due: the product appears or disappears, or a price of it begins or ends while it is there."""


def next_moment(
    status: str,
    publish_at: Instant | None,
    retire_at: Instant | None,
    periods: Iterable[tuple[Instant, Instant | None]],
    *,
    after: Instant,
) -> Instant | None:
    """The first moment of a product after another; `periods` are `valid_from` and `valid_until` of its prices.

    None where none is to come, as with what is retired. It may turn out that buyers notice nothing then, see
    `fallen_due`.
    """
    return min(_moments(status, publish_at, retire_at, periods, after), default=None)


def next_of(product: Product, *, after: Instant) -> Instant | None:
    """The first moment of a product after another."""
    return min(_moments_of(product, after), default=None)


def fallen_due(product: Product, *, since: Instant, until: Instant) -> Iterator[tuple[Instant, Kind]]:
    """What buyers met otherwise from a moment on, of those from `since` to `until`; each moment once, rising.

    A product that appears or disappears does so with its prices.
    """
    for moment in sorted(at for at in _moments_of(product, since - 1) if at <= until):
        if product.status_at(moment - 1) != product.status_at(moment):
            yield moment, "publication_due"
        elif product.status_at(moment) == "active":
            yield moment, "price_due"


def prices_replaced(product: Product, moment: Instant) -> Iterator[tuple[Price, Price | None, Price | None]]:
    """For each currency, list and quantity whose price changes at a moment: one that names it, the old, the new one."""
    tiers = {(price.currency, price.list, price.min_quantity): price for price in sorted_prices(product.prices)}
    for tier, price in tiers.items():
        before, after = (_offered(product, tier, at) for at in (moment - 1, moment))
        if before != after:
            yield price._replace(valid_from=0), before, after


def _moments(
    status: str,
    publish_at: Instant | None,
    retire_at: Instant | None,
    periods: Iterable[tuple[Instant, Instant | None]],
    after: Instant,
) -> set[Instant]:
    if status == "retired":
        return set()
    found = {publish_at, retire_at}.union(*periods)
    return {at for at in found if at is not None and at > after}


def _moments_of(product: Product, after: Instant) -> set[Instant]:
    periods = [(price.valid_from, price.valid_until) for price in product.prices]
    return _moments(product.status, product.publish_at, product.retire_at, periods, after)


def _offered(product: Product, tier: tuple[str, str, int], at: Instant) -> Price | None:
    valid = [p for p in product.prices if (p.currency, p.list, p.min_quantity) == tier and p.holds(at)]
    return min(valid, key=lambda price: (price.amount, -price.valid_from), default=None)
