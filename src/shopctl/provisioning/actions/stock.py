"""Steps that reserve stock, renew, hand out, give back and take back; docs/warehouses.md has what they take."""

from __future__ import annotations

from shopctl.catalogue.errors import InsufficientStock, ReservationEnded
from shopctl.provisioning.actions.given import Field, Fields, given
from shopctl.provisioning.actions.outcomes import fit
from shopctl.provisioning.actions.placing import Job, placed
from shopctl.provisioning.ports import WEEK, Inside, Inventory, Outside
from shopctl.workflow.ports import Action, Call, Done, Failed, Outcome

_RESERVE: Fields = {
    "sku": Field("text", needed=True),
    "quantity": Field("count", default=1),
    "location": Field("text"),
    "hold": Field("length", default=WEEK),
    "wait_for_stock": Field("yes_or_no", default=False),
}
_RENEW: Fields = {"reservation": Field("text", needed=True), "hold": Field("length", default=WEEK)}
_OF_A_RESERVATION: Fields = {"reservation": Field("text", needed=True)}


def stock_actions(inventory: Inside[Inventory] | Outside[Inventory]) -> dict[str, Action]:
    """The actions by their names, inside or outside as the inventory is. A null reservation stands for pieces that
    nobody counts, so there is nothing to do with it."""
    jobs = [
        Job("reserve-stock", _RESERVE, _reserve),
        Job("renew-stock", _RENEW, _renew),
        Job("release-stock", _OF_A_RESERVATION, _release),
        Job("fulfil-stock", _OF_A_RESERVATION, _fulfil),
        Job("return-stock", _OF_A_RESERVATION, _take_back),
    ]
    return placed(jobs, inventory)


def _reserve(inventory: Inventory, call: Call) -> Outcome:
    wanted = given(call, _RESERVE, required=("sku",))
    try:
        made = inventory.reserve(
            wanted["sku"],
            wanted["quantity"],
            key=call.key,
            reference=_reference(call),
            seconds=wanted["hold"],
            location=wanted["location"],
        )
    except InsufficientStock as error:
        return Failed(error.code, fit(str(error)), retryable=wanted["wait_for_stock"])
    return Done({"reservation": made.id, "sku": made.sku, "quantity": made.quantity, "location": made.location})


def _renew(inventory: Inventory, call: Call) -> Outcome:
    wanted = given(call, _RENEW)
    if wanted["reservation"] is not None:
        inventory.renew(wanted["reservation"], seconds=wanted["hold"])
    return Done({"reservation": wanted["reservation"]})


def _release(inventory: Inventory, call: Call) -> Outcome:
    reservation = given(call, _OF_A_RESERVATION)["reservation"]
    if reservation is None:
        # As a compensation it may follow a reserving whose answer never came, and which left no output behind.
        released = inventory.release_for(_reference(call)) if call.undoing else 0
        return Done({"released": released > 0})
    try:
        return Done({"released": inventory.release(reservation)})
    except ReservationEnded:
        if not call.undoing:
            raise
        # It was handed out: nothing is held any more. Putting it back is what `return-stock` undoes `fulfil-stock` by.
        return Done({"released": False})


def _fulfil(inventory: Inventory, call: Call) -> Outcome:
    reservation = given(call, _OF_A_RESERVATION)["reservation"]
    if reservation is not None:
        inventory.fulfil(reservation)
    return Done({"reservation": reservation, "fulfilled": reservation is not None})


def _take_back(inventory: Inventory, call: Call) -> Outcome:
    reservation = given(call, _OF_A_RESERVATION)["reservation"]
    return Done({"returned": reservation is not None and inventory.take_back(reservation)})


def _reference(call: Call) -> str:
    return f"{call.run_id}.{call.step}"
