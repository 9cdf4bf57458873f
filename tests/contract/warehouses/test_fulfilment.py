"""Shipping by any adapter: ordered once under a key, followed until it arrives, called back."""

from __future__ import annotations

from typing import Any

import pytest

from contract.conftest import Turned
from contract.warehouses.conftest import Answering, Bench, Dock, step
from shopctl.provisioning.actions.fulfilment import fulfilment_actions
from shopctl.provisioning.adapters.errors import ShipmentNotFound, ShipmentOver
from shopctl.provisioning.adapters.local_fulfilment import LocalFulfilment
from shopctl.provisioning.shipments import Order, Shipment
from shopctl.storage.database import Database
from shopctl.workflow.errors import KeyReused
from shopctl.workflow.model import Run
from shopctl.workflow.ports import Failed

MUG = Order("MUG-1", 2, "run_1", "run_1.pick")
SHIPMENT = "${steps.pick.shipment}"
UNDO = {"action": "cancel-shipment", "with": {"shipment": SHIPMENT}}
STEPS = (
    step("pick", "pick", UNDO, sku="MUG-1", quantity=2),
    step("ship", "ship", shipment=SHIPMENT),
    step("track", "track", shipment=SHIPMENT),
)


def order(dock: Dock, key: str = "run_1.pick.1", wanted: Order = MUG) -> Shipment:
    with dock.open() as fulfilment:
        return fulfilment.pick(wanted, key=key)


def seen(dock: Dock, shipment: str) -> Shipment:
    with dock.open() as fulfilment:
        return fulfilment.track(shipment)


def test_the_same_key_orders_once(dock: Dock) -> None:
    first = order(dock)

    assert first.state == "picking"
    assert order(dock) == first
    assert dock.orders() == 1
    assert order(dock, "run_1.pick.2").id != first.id


def test_a_key_is_for_one_order_alone(dock: Dock) -> None:
    order(dock)

    with pytest.raises(KeyReused):
        order(dock, wanted=MUG._replace(quantity=3))


def test_a_shipment_goes_its_way_with_carrier_and_number(dock: Dock) -> None:
    shipment = order(dock).id

    dock.move(shipment, "picked")
    assert seen(dock, shipment).state == "picked"
    dock.move(shipment, "shipped", carrier="dhl", tracking="00340")
    assert seen(dock, shipment) == Shipment(shipment, "shipped", "dhl", "00340")
    dock.move(shipment, "delivered")
    assert seen(dock, shipment) == Shipment(shipment, "delivered", "dhl", "00340")


def test_what_was_not_sent_is_cancelled_and_what_was_comes_back(dock: Dock) -> None:
    early, late = order(dock), order(dock, "run_1.pick.2")
    dock.move(late.id, "shipped")

    with dock.open() as fulfilment:
        for _ in range(2):
            assert fulfilment.cancel(early.id).state == "cancelled"
            assert fulfilment.cancel(late.id).state == "returned"


def test_all_that_a_step_ordered_is_cancelled_by_its_reference(dock: Dock) -> None:
    first, second = order(dock), order(dock, "run_1.pick.2")
    other = order(dock, "run_2.pick.1", MUG._replace(run_id="run_2", reference="run_2.pick"))

    with dock.open() as fulfilment:
        found = fulfilment.cancel_for("run_1.pick")

    assert {(shipment.id, shipment.state) for shipment in found} == {(first.id, "cancelled"), (second.id, "cancelled")}
    assert seen(dock, other.id).state == "picking"


def test_a_shipment_that_is_not_there_is_named(dock: Dock) -> None:
    for deed in ("ship", "track", "cancel"):
        with dock.open() as fulfilment, pytest.raises(ShipmentNotFound, match="shp_none"):
            getattr(fulfilment, deed)("shp_none")


def follow(dock: Dock, bench: Bench, run: str, state: str, **news: str) -> Run:
    """The shipment comes farther, and the run hears of it: by a signal, or when it looks again."""
    if dock.warehouse is None:
        bench.send(run, state, **news)
    else:
        (shipment,) = dock.warehouse.shipments
        dock.move(shipment, state, **news)
        bench.later(1801)
    return bench.worked(run)


def test_a_run_waits_at_each_step_until_the_shipment_has_come_so_far(dock: Dock, dock_bench: Bench) -> None:
    run = dock_bench.start(*STEPS)

    assert dock_bench.worked(run).steps["pick"].state == "waiting"
    assert follow(dock, dock_bench, run, "picked").steps["ship"].state == "waiting"
    assert follow(dock, dock_bench, run, "shipped", carrier="dhl", tracking="00340").steps["track"].state == "waiting"
    done = follow(dock, dock_bench, run, "delivered")

    assert done.state == "completed"
    shipment = dict(done.steps["track"].output or {})
    assert shipment.pop("shipment")
    assert shipment == {"state": "delivered", "carrier": "dhl", "tracking": "00340"}
    assert dock.orders() == 1


def test_a_run_that_fails_calls_the_shipment_back(dock: Dock, dock_bench: Bench) -> None:
    dock_bench.actions["break"] = Answering(Failed("http.422", "no"))
    run = dock_bench.start(*STEPS[:2], step("break", "break"))
    dock_bench.worked(run)
    follow(dock, dock_bench, run, "picked")

    done = follow(dock, dock_bench, run, "shipped")

    assert done.state == "failed"
    assert seen(dock, shipment_of(done)).state == "returned"


def test_what_is_still_being_picked_is_cancelled_with_its_run(dock: Dock, dock_bench: Bench) -> None:
    run = dock_bench.start(*STEPS)
    shipment = (dock_bench.worked(run).steps["pick"].memo or {})["shipment"]

    dock_bench.send(run, "@cancel")
    done = dock_bench.worked(run)

    assert done.state == "cancelled"
    assert seen(dock, shipment).state == "cancelled"


def test_a_lost_shipment_fails_the_run(dock: Dock, dock_bench: Bench) -> None:
    run = dock_bench.start(*STEPS)
    dock_bench.worked(run)
    for state in ("picked", "shipped"):
        follow(dock, dock_bench, run, state)
    if dock.warehouse is None:
        dock_bench.send(run, "delivered", state="lost")
        done = dock_bench.worked(run)
    else:
        done = follow(dock, dock_bench, run, "lost")

    assert (done.error or {})["code"] == "provisioning.shipment_lost"
    assert seen(dock, shipment_of(done)).state == "lost"


def test_what_was_cancelled_elsewhere_fails_the_run(dock: Dock, dock_bench: Bench) -> None:
    run = dock_bench.start(*STEPS)
    waiting = dock_bench.worked(run)
    with dock.open() as fulfilment:
        fulfilment.cancel((waiting.steps["pick"].memo or {})["shipment"])

    done = follow(dock, dock_bench, run, "picked") if dock.warehouse is None else later(dock_bench, run)

    assert done.state == "failed"
    assert (done.error or {})["code"] == "provisioning.shipment_over"


def later(bench: Bench, run: str) -> Run:
    bench.later(61)
    return bench.worked(run)


def shipment_of(run: Run) -> str:
    return str((run.steps["pick"].output or {})["shipment"])


@pytest.fixture
def at_once(database: Database, turned: Turned) -> Bench:
    return Bench(database, turned, fulfilment_actions(LocalFulfilment(turned)))


def test_where_nobody_reports_all_passes_at_once_under_a_number_of_our_own(at_once: Bench) -> None:
    run = at_once.start(*STEPS)

    done = at_once.worked(run)

    assert done.state == "completed"
    output = done.steps["track"].output or {}
    assert output["carrier"] == "own"
    assert output["tracking"] == output["shipment"].removeprefix("shp_").upper()
    with at_once.database.read() as unit:
        rows = unit.tuples("select run_id, reference, sku, quantity, state, picked_at = ended_at from shipment")
    assert [tuple(map(str, row[:5])) for row in rows] == [(run, f"{run}.pick", "MUG-1", "2", "delivered")]
    assert rows[0][5]


def test_news_of_any_shape_does_not_undo_a_run(database: Database, turned: Turned) -> None:
    bench = Bench(database, turned, fulfilment_actions(LocalFulfilment(turned, by_hand=True)))
    run = bench.start(*STEPS)
    bench.send(run, "picked", carrier=["x"])
    odd: dict[str, Any] = {"carrier": "d\thl\x1b[31m", "tracking": 340}
    bench.send(run, "shipped", **odd)
    bench.send(run, "delivered", state={"a": 1})

    done = bench.worked(run)

    assert done.state == "completed"
    assert (done.steps["ship"].output or {})["carrier"] == "d\\thl\\x1b[31m"
    assert (done.steps["ship"].output or {})["tracking"] == "340"


def test_a_cancelled_shipment_does_not_go_on(database: Database, turned: Turned) -> None:
    own = LocalFulfilment(turned)
    with database.unit() as unit:
        made = own.within(unit).pick(MUG, key="k")
        own.within(unit).cancel(made.id)

        with pytest.raises(ShipmentOver, match="is cancelled; it cannot become shipped"):
            own.within(unit).ship(made.id)
