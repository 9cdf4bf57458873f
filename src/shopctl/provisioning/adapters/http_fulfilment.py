"""Shipping that another system does, asked over HTTP by the contract of docs/warehouses.md; it is polled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal
from urllib.parse import quote

from shopctl.kernel.errors import one_line
from shopctl.provisioning.adapters.errors import ShipmentNotFound, ShipmentOver
from shopctl.provisioning.adapters.rest import RestService, Words
from shopctl.provisioning.ports import Fulfilment
from shopctl.provisioning.shipments import STATES, Order, Shipment
from shopctl.workflow.errors import KeyReused

_LONGEST = 200


class HttpFulfilment:
    """The way to such a system."""

    place: Literal["outside"] = "outside"

    def __init__(self, service: RestService) -> None:
        self._service = service

    def lasting(self, seconds: float) -> Fulfilment:
        """See `Outside`."""
        return _Asked(self._service, seconds)


@dataclass(slots=True)
class _Asked:
    service: RestService
    seconds: float
    poll: ClassVar[Mapping[str, float] | None] = {"picked": 60.0, "shipped": 300.0, "delivered": 1800.0}

    def pick(self, order: Order, *, key: str) -> Shipment:
        body = {
            "sku": order.sku,
            "quantity": order.quantity,
            "run": order.run_id,
            "instance": order.instance_id,
            "reference": order.reference,
            "to": order.to,
        }
        made = self.service.call(
            "POST", "shipments", seconds=self.seconds, key=key, words={"key_reused": lambda _: KeyReused(key=key)},
            body={name: value for name, value in body.items() if value is not None},
        )  # fmt: skip
        return self._read(made)

    def ship(self, shipment: str) -> Shipment:
        return self.track(shipment)  # it sends what it has picked without being asked

    def track(self, shipment: str) -> Shipment:
        return self._read(self._of(shipment, "GET", "followed"), shipment)

    def told(self, shipment: str, state: str, news: Mapping[str, Any]) -> Shipment:
        return self.track(shipment)  # whatever a signal says, the system itself is believed

    def cancel(self, shipment: str) -> Shipment:
        return self._read(self._of(shipment, "DELETE", "cancelled"), shipment)

    def cancel_for(self, reference: str) -> list[Shipment]:
        query = f"?reference={quote(reference, safe='')}"
        found = self.service.call("DELETE", "shipments", seconds=self.seconds, query=query).get("shipments")
        if not isinstance(found, list):
            raise self.service.bad_answer("`shipments`")
        return [self._read(one if isinstance(one, dict) else {}) for one in found]

    def _of(self, shipment: str, method: str, wanted: str) -> dict[str, Any]:
        words: Words = {
            "not_found": lambda _: ShipmentNotFound(id=shipment),
            "shipment_over": lambda said: ShipmentOver(
                id=shipment, state=_text(said.get("state")) or "over", wanted=wanted
            ),
        }
        return self.service.call(method, "shipments", shipment, seconds=self.seconds, words=words)

    def _read(self, said: Mapping[str, Any], id_: str | None = None) -> Shipment:
        found, state = said.get("id", id_), said.get("state")
        if not isinstance(found, str) or not found or (id_ is not None and found != id_):
            raise self.service.bad_answer("`id`")
        if state not in STATES:
            raise self.service.bad_answer("`state`")
        return Shipment(found, state, _text(said.get("carrier")), _text(said.get("tracking")))


def _text(value: object) -> str | None:
    return one_line(value)[:_LONGEST] if isinstance(value, str) and value else None
