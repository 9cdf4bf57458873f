"""Shipping that the shop does itself: its parcels are rows, and people say how far they are, or nobody does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from shopctl.kernel import ids
from shopctl.kernel.clock import Clock
from shopctl.kernel.errors import one_line
from shopctl.provisioning import shipment_queries as queries
from shopctl.provisioning.adapters.errors import ShipmentNotFound, ShipmentOver
from shopctl.provisioning.ports import Fulfilment
from shopctl.provisioning.shipments import OVER, WAY, Order, Shipment
from shopctl.storage.unit import Unit
from shopctl.workflow.errors import KeyReused

CARRIER = "own"
"""Who brings what nobody named a carrier for; such parcels have numbers of our own."""

_LONGEST = 200


class LocalFulfilment:
    """The shop's own parcels. With `by_hand` signals say what is picked, shipped and delivered, else all is at once."""

    place: Literal["inside"] = "inside"

    def __init__(self, clock: Clock, *, by_hand: bool = False) -> None:
        self._clock = clock
        self._by_hand = by_hand

    def within(self, unit: Unit) -> Fulfilment:
        """See `Inside`."""
        return _Own(unit, self._clock, self._by_hand)


@dataclass(slots=True)
class _Own:
    unit: Unit
    clock: Clock
    by_hand: bool
    poll: None = None

    def pick(self, order: Order, *, key: str) -> Shipment:
        shipment, same = queries.add(self.unit, ids.new("shp"), order, key=key, now=self.clock.now())
        if not same:
            raise KeyReused(key=key)
        return shipment if self.by_hand else self._to(shipment, "picked")

    def ship(self, shipment: str) -> Shipment:
        found = self._get(shipment)
        return found if self.by_hand else self._to(found, "shipped")

    def track(self, shipment: str) -> Shipment:
        found = self._get(shipment)
        # Where nobody reports, what was sent counts as delivered.
        return self._to(found, "delivered") if found.state == "shipped" and not self.by_hand else found

    def told(self, shipment: str, state: str, news: Mapping[str, Any]) -> Shipment:
        found = self._get(shipment)
        if state == "delivered" and news.get("state") in ("lost", "returned"):
            state = str(news["state"])
        return self._to(found, state, carrier=_text(news.get("carrier")), tracking=_text(news.get("tracking")))

    def cancel(self, shipment: str) -> Shipment:
        found = self._get(shipment)
        if found.state in OVER:
            return found
        return self._to(found, "returned" if found.reached("shipped") else "cancelled")

    def cancel_for(self, reference: str) -> list[Shipment]:
        run_id = reference.partition(".")[0]
        return [self.cancel(id_) for id_ in queries.of_reference(self.unit, run_id, reference)]

    def _get(self, id_: str) -> Shipment:
        found = queries.lock(self.unit, id_)
        if found is None:
            raise ShipmentNotFound(id=id_)
        return found

    def _to(
        self, shipment: Shipment, state: str, *, carrier: str | None = None, tracking: str | None = None
    ) -> Shipment:
        """The shipment in a state that it has not passed yet. Raises ShipmentOver."""
        if shipment.state == state or (state in WAY and shipment.reached(state)):
            return shipment
        if shipment.state in OVER:
            raise ShipmentOver(id=shipment.id, state=shipment.state, wanted=state)
        if state == "shipped":
            number = shipment.id.partition("_")[2].upper() if carrier is None else None
            shipment = shipment._replace(carrier=carrier or CARRIER, tracking=tracking or number)
        moved = shipment._replace(state=state)
        queries.move(self.unit, moved, now=self.clock.now())
        return moved


def _text(value: object) -> str | None:
    """What a signal says, fit to be stored: a slip of somebody's keyboard must not undo the run."""
    if not isinstance(value, str | int):
        return None
    return one_line(str(value).strip())[:_LONGEST] or None
