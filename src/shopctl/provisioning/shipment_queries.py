"""Reads and writes the shipments that the shop sends itself."""

from __future__ import annotations

from shopctl.kernel.clock import Instant
from shopctl.provisioning.shipments import OVER, Order, Shipment
from shopctl.storage.unit import Unit

_COLUMNS = "id, state, carrier, tracking"
_MOMENTS = {"picked": "picked_at", "shipped": "shipped_at"} | dict.fromkeys(("delivered", *OVER), "ended_at")


def add(unit: Unit, id_: str, order: Order, *, key: str, now: Instant) -> tuple[Shipment, bool]:
    """The shipment of this key, and whether it asks for these goods; a new one begins as `picking`."""
    unit.execute(
        """insert into shipment (id, key, run_id, reference, instance_id, sku, quantity, state, created_at)
           values (:id, :key, :run_id, :reference, :instance_id, :sku, :quantity, 'picking', :now)
           on conflict (key) do nothing""",
        id=id_,
        key=key,
        run_id=order.run_id,
        reference=order.reference,
        instance_id=order.instance_id,
        sku=order.sku,
        quantity=order.quantity,
        now=now,
    )
    (found,) = unit.tuples(f"select {_COLUMNS}, sku, quantity from shipment where key = :key", key=key)
    return Shipment._make(found[:4]), tuple(found[4:]) == (order.sku, order.quantity)


def lock(unit: Unit, id_: str) -> Shipment | None:
    """The shipment, kept from other writers until the unit ends."""
    return unit.row(Shipment, f"select {_COLUMNS} from shipment where id = :id {unit.for_update}", id=id_)


def of_reference(unit: Unit, run_id: str, reference: str) -> list[str]:
    """The ids of what a step ordered and that is not over, oldest first."""
    rows = unit.tuples(
        """select id from shipment where run_id = :run_id and reference = :reference
              and state not in ('lost', 'cancelled', 'returned') order by id""",
        run_id=run_id,
        reference=reference,
    )
    return [id_ for (id_,) in rows]


def move(unit: Unit, shipment: Shipment, *, now: Instant) -> None:
    """Write down a new state, with its moment and, where it was sent, with its carrier and number."""
    moment = _MOMENTS[shipment.state]
    unit.execute(
        f"""update shipment set state = :state, carrier = :carrier, tracking = :tracking, {moment} = :now
             where id = :id""",
        id=shipment.id,
        state=shipment.state,
        carrier=shipment.carrier,
        tracking=shipment.tracking,
        now=now,
    )
