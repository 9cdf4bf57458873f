"""What provisioning wants from a shop's stock and from its shipping, wherever these are kept.

Both are kept in the shop's own database, or by another system that is reached over HTTP; a contract suite holds for
either. What is kept here is written in the unit that records the step's outcome (`within`), and what is kept elsewhere
is asked between units, for at most some seconds (`lasting`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from shopctl.provisioning.shipments import Order, Shipment
    from shopctl.storage.unit import Unit

WEEK = 7 * 86400
"""Seconds that a reservation holds unless it is told otherwise; expressed as a length, so that a repeated request is
the same to the byte and no clock of another machine counts."""


class Reservation(NamedTuple):
    """Pieces promised to one step of a run; `id` is None for a product whose pieces nobody counts."""

    id: str | None
    sku: str
    quantity: int
    location: str | None


class Inventory(Protocol):
    """Stock: promised, renewed, given back, handed out, taken back. Doing any of it again changes nothing.

    Raises ProductNotFound, ReservationNotFound, ReservationEnded, InsufficientStock of `catalogue.errors`; one kept
    elsewhere also what `adapters.errors` holds.
    """

    def reserve(
        self, sku: str, quantity: int, *, key: str, reference: str, seconds: int = WEEK, location: str | None = None
    ) -> Reservation:
        """Promise pieces for some seconds, at a location or at the usual one; the same key gives the same again.

        `reference` names the step of the run, whatever its attempt. Raises ProductNotFound, InsufficientStock.
        """

    def renew(self, reservation: str, *, seconds: int = WEEK) -> None:
        """Promise for so many seconds from now. Raises ReservationNotFound, ReservationEnded."""

    def release(self, reservation: str) -> bool:
        """Give the pieces back; whether they were held. Raises ReservationNotFound, ReservationEnded if handed out."""

    def release_for(self, reference: str) -> int:
        """Give back whatever was promised under a reference, by calls whose answer never came; how many were."""

    def fulfil(self, reservation: str) -> None:
        """Hand the pieces out of the stock. Raises ReservationNotFound, ReservationEnded, InsufficientStock."""

    def take_back(self, reservation: str) -> bool:
        """Put pieces that were handed out back into the stock; whether any were. Raises ReservationNotFound."""

    def available(self, sku: str, *, location: str | None = None) -> int | None:
        """How many may be promised now, None for a product that is not counted. Raises ProductNotFound."""


class Fulfilment(Protocol):
    """Shipping: parcels picked, sent, followed and called back. Doing any of it again changes nothing.

    Raises ShipmentNotFound, ShipmentOver of `adapters.errors`; one kept elsewhere also what else is there.
    """

    @property
    def poll(self) -> Mapping[str, float] | None:
        """Seconds between two looks at what becomes of a shipment, by the state waited for; None: only signals tell."""

    def pick(self, order: Order, *, key: str) -> Shipment:
        """Have the goods picked; the same key gives the same shipment."""

    def ship(self, shipment: str) -> Shipment:
        """Have a picked shipment sent, and say how far it is."""

    def track(self, shipment: str) -> Shipment:
        """How far it is."""

    def told(self, shipment: str, state: str, news: Mapping[str, Any]) -> Shipment:
        """A signal says that it has reached a state, with `carrier` and `tracking` where it was sent; how far it is."""

    def cancel(self, shipment: str) -> Shipment:
        """Do not send it, or call it back: `cancelled` or `returned`."""

    def cancel_for(self, reference: str) -> list[Shipment]:
        """The same for all that was ordered under a reference, by calls whose answer never came."""


Port = TypeVar("Port", covariant=True)


class Inside(Protocol[Port]):
    """What is kept in the shop's own database."""

    place: Literal["inside"]

    def within(self, unit: Unit) -> Port:
        """The port, working in this unit."""


class Outside(Protocol[Port]):
    """What another system keeps."""

    place: Literal["outside"]

    def lasting(self, seconds: float) -> Port:
        """The port, each of whose calls takes at most so long."""
