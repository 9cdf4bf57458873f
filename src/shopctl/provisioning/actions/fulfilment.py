"""Steps that have something picked, sent, followed and called back; docs/warehouses.md has what they take."""

from __future__ import annotations

from typing import Any

from shopctl.provisioning.actions.given import Field, Fields, given
from shopctl.provisioning.actions.placing import Job, placed
from shopctl.provisioning.adapters.errors import ShipmentOver
from shopctl.provisioning.ports import Fulfilment, Inside, Outside
from shopctl.provisioning.shipments import OVER, Order, Shipment
from shopctl.workflow.ports import Action, Call, Done, Failed, Outcome, Waiting

_PICK: Fields = {
    "sku": Field("text", needed=True),
    "quantity": Field("count", default=1),
    "instance": Field("text"),
    "to": Field("object"),
    "every": Field("length"),
}
_FOLLOW: Fields = {"shipment": Field("text", needed=True), "every": Field("length")}
_CANCEL: Fields = {"shipment": Field("text", needed=True)}


def fulfilment_actions(fulfilment: Inside[Fulfilment] | Outside[Fulfilment]) -> dict[str, Action]:
    """The actions by their names, inside or outside as the fulfilment is.

    A step that waits for a shipment to come farther is called again by the signal `picked`, `shipped` or `delivered`,
    and where the fulfilment is polled, also after `every` so much time.
    """
    jobs = [
        Job("pick", _PICK, _pick),
        # These change nothing elsewhere, however late and often they are repeated.
        Job("ship", _FOLLOW, _ship, "at_least_once"),
        Job("track", _FOLLOW, _track, "at_least_once"),
        Job("cancel-shipment", _CANCEL, _cancel),
    ]
    return placed(jobs, fulfilment)


def _pick(fulfilment: Fulfilment, call: Call) -> Outcome:
    wanted = given(call, _PICK, required=("sku",))
    ordered: str | None = call.memo.get("shipment")
    if ordered is None:
        order = Order(
            wanted["sku"], wanted["quantity"], call.run_id, _reference(call), wanted["instance"], wanted["to"]
        )
        shipment = fulfilment.pick(order, key=call.key)
    elif call.signal is not None:
        shipment = fulfilment.told(ordered, "picked", call.signal)
    else:
        shipment = fulfilment.track(ordered)
    return _as_far_as("picked", shipment, fulfilment, wanted["every"])


def _ship(fulfilment: Fulfilment, call: Call) -> Outcome:
    wanted = given(call, _FOLLOW, required=("shipment",))
    if call.signal is not None:
        shipment = fulfilment.told(wanted["shipment"], "shipped", call.signal)
    else:
        shipment = fulfilment.ship(wanted["shipment"])
    return _as_far_as("shipped", shipment, fulfilment, wanted["every"])


def _track(fulfilment: Fulfilment, call: Call) -> Outcome:
    wanted = given(call, _FOLLOW, required=("shipment",))
    if call.signal is not None:
        shipment = fulfilment.told(wanted["shipment"], "delivered", call.signal)
    else:
        shipment = fulfilment.track(wanted["shipment"])
    return _as_far_as("delivered", shipment, fulfilment, wanted["every"])


def _cancel(fulfilment: Fulfilment, call: Call) -> Outcome:
    wanted = given(call, _CANCEL)["shipment"]
    # As a compensation it may follow an order that is still waited for, or whose answer never came.
    wanted = wanted or call.memo.get("shipment")
    if wanted is not None:
        return Done(_told(fulfilment.cancel(wanted)))
    cancelled = fulfilment.cancel_for(_reference(call)) if call.undoing else []
    return Done(_told(cancelled[-1]) if cancelled else {"shipment": None, "state": None})


def _as_far_as(state: str, shipment: Shipment, fulfilment: Fulfilment, every: int | None) -> Outcome:
    if shipment.state == "lost":
        return Failed("provisioning.shipment_lost", f"the shipment {shipment.id} is lost")
    if shipment.state in OVER:
        over = ShipmentOver(id=shipment.id, state=shipment.state, wanted=state)
        return Failed(over.code, str(over))
    if shipment.reached(state):
        return Done(_told(shipment))
    seconds = None if fulfilment.poll is None else every or fulfilment.poll[state]
    return Waiting(state, seconds, {"shipment": shipment.id, "signal": state})


def _told(shipment: Shipment) -> dict[str, Any]:
    return {
        "shipment": shipment.id,
        "state": shipment.state,
        "carrier": shipment.carrier,
        "tracking": shipment.tracking,
    }


def _reference(call: Call) -> str:
    return f"{call.run_id}.{call.step}"
