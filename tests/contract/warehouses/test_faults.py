"""A warehouse that fails: whatever it does, an effect happens once, and what was begun is undone."""

from __future__ import annotations

from collections import Counter

import pytest

from contract.conftest import Turned
from contract.warehouses.conftest import Answering, Bench, service, step
from shopctl.outgoing.client import OutgoingClient
from shopctl.provisioning.actions.fulfilment import fulfilment_actions
from shopctl.provisioning.actions.stock import stock_actions
from shopctl.provisioning.adapters.http_fulfilment import HttpFulfilment
from shopctl.provisioning.adapters.http_inventory import HttpInventory
from shopctl.provisioning.adapters.rest import RestService
from shopctl.storage.database import Database
from shopctl.workflow.model import ENDED, Run
from shopctl.workflow.ports import Failed
from support.warehouse import Warehouse

AFTER = ["500 after", "silence after", "garbage", "slow"]
BEFORE = ["500", "silence", "429", "in_progress"]
RESERVATION, SHIPMENT = "${steps.reserve.reservation}", "${steps.pick.shipment}"
RESERVE = step("reserve", "reserve-stock", {"action": "release-stock", "with": {"reservation": RESERVATION}},
               sku="MUG-1", quantity=2) | {"timeout": 0.3}  # fmt: skip
PICK = step("pick", "pick", {"action": "cancel-shipment", "with": {"shipment": SHIPMENT}}, sku="MUG-1")
FULFIL = step("fulfil", "fulfil-stock", reservation=RESERVATION) | {"timeout": 0.3}


def bench_on(database: Database, clock: Turned, warehouse: Warehouse) -> Bench:
    warehouse.stock["MUG-1"] = 100
    inventory, fulfilment = (service(warehouse, name) for name in ("inventory", "fulfilment"))
    actions = stock_actions(HttpInventory(inventory)) | fulfilment_actions(HttpFulfilment(fulfilment))
    return Bench(database, clock, actions | {"break": Answering(Failed("http.422", "no"))})


@pytest.fixture
def bench(warehouse: Warehouse, sqlite: Database, turned: Turned) -> Bench:
    return bench_on(sqlite, turned, warehouse)


def patiently(bench: Bench, run: str) -> Run:
    for _ in range(6):
        done = bench.worked(run)
        if done.state in ENDED:
            break
        bench.later(200)
    return done


def effects(warehouse: Warehouse) -> Counter[str]:
    return Counter(what for what, _ in warehouse.effects)


def test_a_fault_at_either_call_has_each_effect_once(warehouse: Warehouse, database: Database, turned: Turned) -> None:
    bench = bench_on(database, turned, warehouse)
    for fault in BEFORE + AFTER:
        for faults in ([fault], [fault, fault], ["", fault]):
            warehouse.effects.clear()
            warehouse.faults = list(faults)
            run = bench.start(RESERVE, FULFIL)

            done = patiently(bench, run)

            assert done.state == "completed", faults
            assert effects(warehouse) == {"reserve": 1, "fulfilled": 1}, faults


def test_a_definite_refusal_earns_a_new_key_and_an_unknown_outcome_keeps_it(bench: Bench, warehouse: Warehouse) -> None:
    warehouse.faults = ["429", "silence", "429", "500"]
    run = bench.start(RESERVE)

    # After the silence nobody knows, so what is said at the door does not earn a new key any more.
    bench.worked(run)
    bench.later(6)
    bench.worked(run)
    assert len(warehouse.faults) == 3, "it was asked to wait for seven seconds"
    patiently(bench, run)

    assert {key for *_, key in warehouse.requests} == {f"{run}.reserve.2"}
    assert effects(warehouse) == {"reserve": 1}


def test_a_repeated_request_is_the_same_to_the_byte_however_late(bench: Bench, warehouse: Warehouse) -> None:
    warehouse.faults = ["silence after", "silence after"]
    run = bench.start(RESERVE)

    assert patiently(bench, run).state == "completed"
    bodies = [body for _, path, body, _ in warehouse.requests if path == "reservations"]
    assert len(bodies) == 3
    assert bodies[0] == bodies[1] == bodies[2]


@pytest.mark.parametrize(("fault", "code"), [("401", "turns_away"), ("page", "turns_away")])
def test_what_is_refused_at_the_door_fails_the_step(bench: Bench, warehouse: Warehouse, fault: str, code: str) -> None:
    warehouse.faults = [fault]
    run = bench.start(RESERVE)

    done = bench.worked(run)

    assert (done.error or {})["code"] == f"provisioning.service_{code}"
    assert not warehouse.effects


def test_what_may_have_been_reserved_is_released_by_its_reference(bench: Bench, warehouse: Warehouse) -> None:
    warehouse.faults = ["silence after"]
    reserve = RESERVE | {"retry": {"attempts": 1}}
    run = bench.start(reserve)
    assert bench.worked(run).state == "parked"
    assert effects(warehouse) == {"reserve": 1}

    bench.send(run, "@cancel")
    done = patiently(bench, run)

    assert done.state == "cancelled"
    assert effects(warehouse) == {"reserve": 1, "released": 1}


@pytest.mark.parametrize("fault", BEFORE + AFTER[:3])
def test_a_fault_while_undoing_gives_back_once(bench: Bench, warehouse: Warehouse, fault: str) -> None:
    run = bench.start(RESERVE, PICK, step("break", "break"))
    bench.worked(run)
    warehouse.shipments["S1"]["state"] = "picked"
    warehouse.faults = ["", fault, fault, "", fault]
    bench.later(61)

    done = patiently(bench, run)

    assert done.state == "failed"
    assert [done.steps[name].state for name in ("reserve", "pick")] == ["undone", "undone"]
    assert effects(warehouse) == {"reserve": 1, "order": 1, "cancelled": 1, "released": 1}


@pytest.mark.parametrize("fault", BEFORE + AFTER[:3])
def test_a_look_that_fails_orders_nothing_anew(bench: Bench, warehouse: Warehouse, fault: str) -> None:
    run = bench.start(PICK)
    bench.worked(run)
    warehouse.faults = [fault] * 4
    for _ in range(4):
        bench.later(61)
        bench.worked(run)
    warehouse.shipments["S1"]["state"] = "shipped"

    done = patiently(bench, run)

    assert done.state == "completed"
    assert effects(warehouse) == {"order": 1}


def test_an_order_whose_answer_never_came_is_cancelled_by_its_reference(bench: Bench, warehouse: Warehouse) -> None:
    warehouse.faults = ["silence after"]
    run = bench.start(PICK | {"retry": {"attempts": 1}})
    assert bench.worked(run).state == "parked"

    bench.send(run, "@cancel")

    assert patiently(bench, run).state == "cancelled"
    assert effects(warehouse) == {"order": 1, "cancelled": 1}


def test_a_warehouse_that_cannot_be_reached_is_asked_again(bench: Bench, warehouse: Warehouse) -> None:
    nowhere = RestService("inventory", OutgoingClient(["127.0.0.1"]), "http://127.0.0.1:9")
    run = bench.start(RESERVE)
    reached, bench.actions = bench.actions, stock_actions(HttpInventory(nowhere))
    assert bench.worked(run).state == "waiting"

    bench.actions = reached

    assert patiently(bench, run).state == "completed"
    assert effects(warehouse) == {"reserve": 1}
