"""What a product is, when it is visible, and what it costs: the catalogue's types and rules, without I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

from shopctl.catalogue.feed.row import DEFAULT_LIST, DEFAULT_LOCATION, KINDS, STATUSES
from shopctl.kernel.clock import Instant

__all__ = [
    "DEFAULT_LIST", "DEFAULT_LOCATION", "KINDS", "LIFE_CYCLE", "STATUSES", "TRACKED", "Price", "Product", "StockLevel",
    "effective_price", "may", "sorted_prices", "status_at",
]  # fmt: skip

Status = Literal["draft", "active", "retired"]


class Price(NamedTuple):
    """What one unit costs in a currency, on a price list, from a quantity on, within a period.

    `amount` is minor units; it holds from `valid_from` (0: ever since) until before `valid_until` (None: for ever).
    """

    currency: str
    amount: int
    list: str = DEFAULT_LIST
    min_quantity: int = 1
    valid_from: Instant = 0
    valid_until: Instant | None = None

    @property
    def key(self) -> tuple[str, str, int, int]:
        """What no two prices of a product share."""
        return self.currency, self.list, self.min_quantity, self.valid_from

    def holds(self, at: Instant) -> bool:
        """Whether the price is valid at a moment."""
        return self.valid_from <= at and (self.valid_until is None or at < self.valid_until)


class StockLevel(NamedTuple):
    """How many lie at a location and how many of them are promised to somebody."""

    location: str
    on_hand: int
    reserved: int

    @property
    def available(self) -> int:
        """What may still be promised; none where a feed counts less than was promised before."""
        return max(0, self.on_hand - self.reserved)


class Product(NamedTuple):
    """A product or a variant (`parent_sku` names its parent) with its prices and its stock, as it is or once was.

    Empty text means not given. `status` is what was decided; what a buyer meets at a moment is `status_at` of it.
    """

    id: int
    sku: str
    parent_sku: str
    kind: str
    status: str
    name: str
    description: str
    brand: str
    category: str  # "Home > Kitchen"
    categories: list[str]  # further paths
    tax_class: str
    options: dict[str, Any]
    attributes: dict[str, Any]
    tags: list[str]
    media: list[dict[str, Any]]  # {"url", "alt", …}
    components: list[dict[str, Any]]  # {"sku", "quantity"}, of a bundle
    publish_at: Instant | None
    retire_at: Instant | None
    version: int
    created_at: Instant
    updated_at: Instant
    prices: tuple[Price, ...] = ()  # in the order of their keys
    stock: tuple[StockLevel, ...] = ()  # not part of the product's history: every movement has a row of its own

    def status_at(self, now: Instant) -> Status:
        """The status a buyer meets at a moment."""
        return status_at(self.status, self.publish_at, self.retire_at, now)


TRACKED = (
    "parent_sku", "kind", "status", "name", "description", "brand", "category", "categories", "tax_class", "options",
    "attributes", "tags", "media", "components", "publish_at", "retire_at", "prices",
)  # fmt: skip
"""The fields whose change makes a new version, in the order they are shown."""


class Transition(NamedTuple):
    """A step of the life cycle: what triggers it, from where it may start, where it leads."""

    trigger: str
    sources: frozenset[str]
    target: str


# A retired product may come back: seasonal goods do, and a mistaken retirement must not need a new SKU.
LIFE_CYCLE = (
    Transition("publish", frozenset({"draft", "retired"}), "active"),
    Transition("schedule", frozenset({"draft", "retired"}), "draft"),  # to be published at a moment to come
    Transition("retire", frozenset({"draft", "active"}), "retired"),
)


def may(trigger: str, status: str) -> bool:
    """Whether the life cycle knows this step from this status."""
    return any(step.trigger == trigger and status in step.sources for step in LIFE_CYCLE)


def status_at(status: str, publish_at: Instant | None, retire_at: Instant | None, now: Instant) -> Status:
    """The status that holds at a moment, by what was decided and what was scheduled; no worker needs to run for it.

    Retired stays retired. From `retire_at` on a product is retired; before that `publish_at`, where there is one,
    decides between draft (before it) and active (from it on), and without one the decided status holds.
    """
    if status == "retired" or (retire_at is not None and retire_at <= now):
        return "retired"
    if publish_at is not None:
        return "active" if publish_at <= now else "draft"
    return "active" if status == "active" else "draft"


def effective_price(
    prices: Iterable[Price], *, currency: str, at: Instant, quantity: int = 1, price_list: str = DEFAULT_LIST
) -> Price | None:
    """The price a buyer pays for each unit: valid at `at`, of the highest quantity tier reached, the lowest of those.

    A price list that says nothing for this quantity gives way to the default list. None: not sold in this currency.
    """
    valid = [p for p in prices if p.currency == currency and p.min_quantity <= quantity and p.holds(at)]
    for wanted in (price_list, DEFAULT_LIST):
        if found := [p for p in valid if p.list == wanted]:
            return min(found, key=lambda p: (-p.min_quantity, p.amount, -p.valid_from))
    return None


def nearest_price(prices: Sequence[Price], *, currency: str, at: Instant) -> Price | None:
    """The price of one piece in `currency`, or, where it is not sold in that, in the first of the others."""
    others = sorted({price.currency for price in prices} - {currency})
    found = (effective_price(prices, currency=each, at=at) for each in (currency, *others))
    return next((price for price in found if price is not None), None)


def sorted_prices(prices: Iterable[Price]) -> tuple[Price, ...]:
    """Prices in the order of their keys."""
    return tuple(sorted(prices, key=lambda price: price.key))
