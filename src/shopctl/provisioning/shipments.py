"""Shipments: what is ordered, which states they go through, and which of them have come far enough."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

WAY = ("picking", "picked", "shipped", "delivered")
"""The states that a shipment goes through, in their order."""

OVER = ("lost", "cancelled", "returned")
"""The states in which it will not arrive (any more)."""

STATES = (*WAY, *OVER)


class Order(NamedTuple):
    """What is to be sent. Where to is not kept by the shop's own fulfilment: it stands, sealed, with the customer."""

    sku: str
    quantity: int
    run_id: str
    reference: str  # the step of the run, whatever its attempt
    instance_id: str | None = None
    to: Mapping[str, Any] | None = None


class Shipment(NamedTuple):
    """How far it is."""

    id: str
    state: str
    carrier: str | None = None
    tracking: str | None = None

    def reached(self, state: str) -> bool:
        """Whether it has come so far on its way, or farther."""
        return self.state in WAY and WAY.index(self.state) >= WAY.index(state)
