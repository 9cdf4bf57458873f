"""What guards measure: how far prices move, and how many products or rows something happens to."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from heapq import heappush, heappushpop
from typing import NamedTuple

from shopctl.catalogue.importing.current import COLUMNS, PriceKey, PriceValue
from shopctl.catalogue.importing.outcome import Outcome
from shopctl.kernel import money

PRICES = ("price-drop", "price-rise")
COUNTED = ("retired", "created", "updated", "rejected")
SHOWN = 10
_STATUS = COLUMNS.index("status")


class Worst(NamedTuple):
    """An offender: what it is before and after, and by how much or how it changes."""

    sku: str
    before: str
    after: str
    change: str


class PriceMeasure:
    """How far prices drop (or rise): the largest move, and those beyond the limit, in percent."""

    def __init__(self, name: str, limit: Fraction) -> None:
        self.sign = -1 if name == "price-drop" else 1
        self.limit = limit
        self.largest = Fraction(0)
        self.count = 0
        self._worst: list[tuple[Fraction, int, Worst]] = []

    def row(self, found: Outcome) -> None:
        """Compare the prices a product has with those it is to have; the worst move of each product counts."""
        if found.current is None or "prices" not in found.replaced:
            return
        worst: tuple[Fraction, Worst] | None = None
        for key, (amount, _) in found.prices.items():
            if (before := replaced_price(found.current.prices, key)) is None or before == amount:
                continue
            move = self.sign * moved(before, amount)
            if move > 0 and (worst is None or move > worst[0]):
                worst = move, _offender(found.sku, key, before, amount)
        if worst is None:
            return
        self.largest = max(self.largest, worst[0])
        if worst[0] > self.limit:
            self.count += 1
            entry = (worst[0], -self.count, worst[1])
            (heappush if len(self._worst) < SHOWN else heappushpop)(self._worst, entry)

    def offenders(self) -> list[Worst]:
        """The worst ten, the worst first."""
        return [each for *_, each in sorted(self._worst, reverse=True)]


class CountMeasure:
    """How many products something happens to, and the first ten of them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.count = 0
        self.worst: list[Worst] = []

    def row(self, found: Outcome) -> None:
        """Count a row, if it does what this counts."""
        if self.name == "created":
            if found.current is None:
                self._add(found.sku, "", "new", "created")
        elif found.current is not None and found.changed:
            if self.name == "updated":
                fields = [*found.replaced, *(f"stock.{location}" for location in found.stock)]
                self._add(found.sku, "", "", ", ".join(fields))
            elif self.name == "retired" and found.values[_STATUS] == "retired" and "status" in found.replaced:
                self._add(found.sku, str(found.replaced["status"]), "retired", "retired by its row")

    def gone(self, sku: str, status: str) -> None:
        """Count a product that the feed brings no more."""
        if self.name == "retired":
            self._add(sku, status, "retired", "gone from the feed")

    def _add(self, sku: str, before: str, after: str, change: str) -> None:
        self.count += 1
        if len(self.worst) < SHOWN:
            self.worst.append(Worst(sku, before, after, change))


def replaced_price(before: Mapping[PriceKey, PriceValue], key: PriceKey) -> int | None:
    """The amount that a price under this key takes the place of; None when there was nothing like it.

    It is the price of the same key; else, in that currency, list and quantity, the latest that begins before it, else
    the earliest. So a price for a period to come is compared with the one that holds until then.
    """
    if key in before:
        return before[key][0]
    alike = sorted((other[3], value[0]) for other, value in before.items() if other[:3] == key[:3])
    if not alike:
        return None
    earlier = [amount for since, amount in alike if since <= key[3]]
    return earlier[-1] if earlier else alike[0][1]


def moved(before: int, after: int) -> Fraction:
    """How far an amount moves, in percent of what it was; from nothing to something counts as a million percent."""
    return Fraction(100 * (after - before), before) if before else Fraction(1_000_000)


def percent(share: Fraction) -> str:
    """A share with at most two decimals, the last one rounded up, so that what is beyond a bound also looks it."""
    hundredths = -(-share.numerator * 100 // share.denominator)
    return number(Fraction(hundredths, 100))


def number(value: Fraction) -> str:
    """A number without needless decimals, at most six."""
    return f"{value.numerator / value.denominator:.6f}".rstrip("0").rstrip(".")


def _offender(sku: str, key: PriceKey, before: int, after: int) -> Worst:
    currency, price_list, quantity, _ = key
    where = f" on {price_list}" if price_list != "default" else ""
    where += f" from {quantity}" if quantity != 1 else ""
    move = moved(before, after)
    change = f"{'-' if move < 0 else '+'}{percent(abs(move))} %"
    return Worst(
        sku, f"{money.show(before, currency)} {currency}{where}", f"{money.show(after, currency)} {currency}{where}",
        change,
    )  # fmt: skip
