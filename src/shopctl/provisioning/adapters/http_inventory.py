"""Stock that another system keeps, asked over HTTP by the contract of docs/warehouses.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from shopctl.catalogue.errors import InsufficientStock, ProductNotFound, ReservationEnded, ReservationNotFound
from shopctl.kernel.errors import ShopctlError
from shopctl.provisioning.adapters.rest import RestService, Words
from shopctl.provisioning.ports import WEEK, Inventory, Reservation
from shopctl.workflow.errors import KeyReused


class HttpInventory:
    """The way to such a system."""

    place: Literal["outside"] = "outside"

    def __init__(self, service: RestService) -> None:
        self._service = service

    def lasting(self, seconds: float) -> Inventory:
        """See `Outside`."""
        return _Asked(self._service, seconds)


@dataclass(frozen=True, slots=True)
class _Asked:
    service: RestService
    seconds: float

    def reserve(
        self, sku: str, quantity: int, *, key: str, reference: str, seconds: int = WEEK, location: str | None = None
    ) -> Reservation:
        body = {"sku": sku, "quantity": quantity, "location": location, "seconds": seconds, "reference": reference}
        words: Words = {
            "not_found": lambda _: ProductNotFound(skus=repr(sku), suggestion=""),
            "insufficient_stock": lambda said: _insufficient(said, sku, location, quantity),
            "key_reused": lambda _: KeyReused(key=key),
        }
        made = self.service.call(
            "POST", "reservations", seconds=self.seconds, key=key, words=words,
            body={name: value for name, value in body.items() if value is not None},
        )  # fmt: skip
        id_, where = made.get("id", ""), made.get("location", location)
        if not (id_ is None or (isinstance(id_, str) and id_)):
            raise self.service.bad_answer("`id`")
        return Reservation(id_, sku, quantity, where if isinstance(where, str) else location)

    def renew(self, reservation: str, *, seconds: int = WEEK) -> None:
        self._of(reservation, "POST", "renew", {"seconds": seconds})

    def release(self, reservation: str) -> bool:
        return self._of(reservation, "DELETE").get("released") is not False

    def release_for(self, reference: str) -> int:
        query = f"?reference={quote(reference, safe='')}"
        released = self.service.call("DELETE", "reservations", seconds=self.seconds, query=query).get("released", 0)
        return int(released) if isinstance(released, int) else 0

    def fulfil(self, reservation: str) -> None:
        self._of(reservation, "POST", "fulfil")

    def take_back(self, reservation: str) -> bool:
        return self._of(reservation, "POST", "return").get("returned") is not False

    def available(self, sku: str, *, location: str | None = None) -> int | None:
        words: Words = {"not_found": lambda _: ProductNotFound(skus=repr(sku), suggestion="")}
        query = "" if location is None else f"?location={quote(location, safe='')}"
        said = self.service.call("GET", "stock", sku, seconds=self.seconds, query=query, words=words)
        found = said.get("available", "")
        if found is None or (isinstance(found, int) and not isinstance(found, bool)):
            return found
        raise self.service.bad_answer("`available`")

    def _of(
        self, reservation: str, method: str, what: str | None = None, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        words: Words = {
            "not_found": lambda _: ReservationNotFound(ids=repr(reservation)),
            "reservation_ended": lambda said: ReservationEnded(id=reservation, state=_word(said.get("state"), "over")),
            "insufficient_stock": lambda said: _insufficient(said, _word(said.get("sku"), reservation), None, None),
        }
        path = ("reservations", reservation, *([] if what is None else [what]))
        return self.service.call(method, *path, seconds=self.seconds, body=body, words=words)


def _insufficient(said: Mapping[str, Any], sku: str, location: str | None, quantity: int | None) -> ShopctlError:
    available, wanted = said.get("available"), said.get("wanted", quantity)
    return InsufficientStock(
        sku=sku,
        location=location or _word(said.get("location"), "the warehouse"),
        available=available if isinstance(available, int) else "too few",
        wanted=wanted if isinstance(wanted, int) else "more",
    )


def _word(value: object, default: str) -> str:
    return value[:100] if isinstance(value, str) and value else default
