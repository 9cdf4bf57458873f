"""What can go wrong with shipments, and with systems that keep stock or shipping elsewhere.

`sent` tells what a failure says of the request: True where it may have had its effect, False where this call had none
(an earlier one under the same key may have). An error without it is the other system's own word on the request.
"""

from __future__ import annotations

from typing import ClassVar

from shopctl.kernel.errors import Conflict, NotFound, RemoteFailed


class ShipmentNotFound(NotFound):
    """There is no shipment {id!r}."""

    code = "provisioning.shipment_not_found"
    hint = "See the run's steps with: shopctl provision show RUN"


class ShipmentOver(Conflict):
    """The shipment {id} is {state}; it cannot become {wanted}."""

    code = "provisioning.shipment_over"
    hint = "See the run's steps with: shopctl provision show RUN"


class ServiceRefuses(Conflict):
    """The {service} refuses: {reason}."""

    code = "provisioning.service_refuses"
    hint = "Mend what it names, or ask those who run it."


class ServiceTurnsAway(RemoteFailed):
    """The {service} turns requests away: {reason}."""

    code = "provisioning.service_turns_away"
    hint = "Check its address and its token among the settings under provisioning."
    retryable = False
    sent: ClassVar[bool] = False


class ServiceBusy(RemoteFailed):
    """The {service} takes no request now: {reason}."""

    code = "provisioning.service_busy"
    hint = "It is asked again by itself."
    sent: ClassVar[bool] = False

    def __init__(self, *, seconds: float | None = None, **facts: object) -> None:
        self.seconds = seconds
        super().__init__(**facts)


class ServiceFailed(RemoteFailed):
    """The {service} failed: {reason}."""

    code = "provisioning.service_failed"
    hint = "The request may have had its effect; it is repeated under the same key."
    sent: ClassVar[bool] = True

    def __init__(self, *, seconds: float | None = None, **facts: object) -> None:
        self.seconds = seconds
        super().__init__(**facts)
