"""Stock that the catalogue counts, in the shop's own database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shopctl.catalogue.model import DEFAULT_LOCATION
from shopctl.catalogue.stock import StockService
from shopctl.provisioning.ports import WEEK, Inventory, Reservation
from shopctl.storage.unit import Unit


class LocalInventory:
    """The catalogue's stock; a product that was never counted anywhere is sold without counting."""

    place: Literal["inside"] = "inside"

    def __init__(self, stock: StockService) -> None:
        self._stock = stock

    def within(self, unit: Unit) -> Inventory:
        """See `Inside`."""
        return _Counted(self._stock, unit)


@dataclass(frozen=True, slots=True)
class _Counted:
    stock: StockService
    unit: Unit

    def reserve(
        self, sku: str, quantity: int, *, key: str, reference: str, seconds: int = WEEK, location: str | None = None
    ) -> Reservation:
        if self.available(sku) is None:
            return Reservation(None, sku, quantity, location)
        where = location or next(iter(self.stock.places(self.unit, sku, quantity)), DEFAULT_LOCATION)
        held = self.stock.held_by(self.unit, sku, holder=key, location=where)
        if held is None:
            until = self._until(seconds)
            held = self.stock.reserve(self.unit, sku, quantity, holder=key, until=until, location=where)
        return Reservation(held.id, sku, held.quantity, where)

    def renew(self, reservation: str, *, seconds: int = WEEK) -> None:
        self.stock.renew(self.unit, reservation, until=self._until(seconds))

    def release(self, reservation: str) -> bool:
        return bool(self.stock.release(self.unit, [reservation]))

    def release_for(self, reference: str) -> int:
        return 0  # a step and its reservation are written in one unit: there is none that the step does not know of

    def fulfil(self, reservation: str) -> None:
        self.stock.fulfil(self.unit, reservation)

    def take_back(self, reservation: str) -> bool:
        return self.stock.take_back(self.unit, reservation)

    def available(self, sku: str, *, location: str | None = None) -> int | None:
        return self.stock.available(self.unit, sku, location=location)

    def _until(self, seconds: int) -> int:
        return self.stock.clock.now() + seconds * 1_000_000
