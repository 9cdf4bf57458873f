"""The history of instances: who changed what and why, and how everything was at a moment."""

from __future__ import annotations

import pytest

from contract.conftest import Turned
from shopctl.product_store.errors import InstanceNotYet
from support.instances import PRODUCT, Instances
from support.products import HOUR, NOW


def test_a_history_tells_who_did_what_and_why_with_what_it_replaced(instances: Instances, turned: Turned) -> None:
    made = instances.create(configuration={"region": "eu", "seats": 5}, purchase="pur_1")
    turned.time += HOUR
    instances.advance(made, "activate", run_id="run_1", configuration={"host": "h-1"})
    turned.time += HOUR
    instances.configure(made, configuration={"region": "us", "seats": None}, reason="they moved")

    third, second, first = instances.service.history(made)
    assert third == {
        "version": 3, "at": "2026-11-18T13:06:40Z", "action": "configure", "state": "active", "actor": "os:anna",
        "reason": "they moved", "run_id": None,
        "changes": {
            "configuration.region": {"from": "eu", "to": "us"}, "configuration.seats": {"from": 5, "to": None},
        },
    }  # fmt: skip
    assert (second["action"], second["run_id"]) == ("activate", "run_1")
    assert second["changes"] == {
        "state": {"from": "created", "to": "active"},
        "configuration.host": {"from": None, "to": "h-1"},
        "started_at": {"from": None, "to": "2026-11-18T12:06:40Z"},
    }
    assert first["changes"]["configuration.region"] == {"from": None, "to": "eu"}
    assert first["changes"]["product.name"] == {"from": None, "to": "Host"}


def test_every_past_moment_is_shown_as_it_was(instances: Instances, turned: Turned) -> None:
    made = instances.create(configuration={"region": "eu"}, customisation={"engraving": "Anna"})
    seen = {turned.time: instances.service.get(made)}
    for trigger in ("provision", "activate", "suspend", "resume", "terminate", "end"):
        turned.time += HOUR
        seen[turned.time] = instances.advance(made, trigger, configuration={trigger: turned.time})
    for at, then in seen.items():
        assert instances.service.as_of(made, at) == then
        assert instances.service.as_of(made, at + HOUR - 1) == then
        assert instances.service.show(made, at=at) == then.as_dict()
    assert instances.service.get(made) == then
    with pytest.raises(InstanceNotYet, match="2026-11-18T11:06:40Z") as refused:
        instances.service.as_of(made, NOW - 1)
    assert refused.value.exit_code == 3


def test_a_list_of_a_moment_has_what_was_then(instances: Instances, turned: Turned) -> None:
    first = instances.create(configuration={"region": "eu"}, state="active")
    turned.time += HOUR
    second = instances.create(sku="HOST-2", customer="C-2", configuration={"region": "eu"})
    turned.time += HOUR
    instances.advance(first, "suspend", configuration={"region": "us"})
    instances.advance(second, "activate")
    turned.time += HOUR
    instances.create()

    assert instances.listed(at=NOW - 1) == []
    assert instances.listed(at=NOW) == [first]
    assert instances.listed(at=NOW + HOUR) == [second, first]
    assert instances.listed("configuration.region=eu", at=NOW + HOUR) == [second, first]
    assert instances.listed("configuration.region=eu", at=NOW + 2 * HOUR) == [second]
    assert instances.listed(state="active", at=NOW + HOUR) == [first]
    assert instances.listed(state="active", at=NOW + 2 * HOUR) == [second]
    assert instances.listed(customer="C-1", at=NOW + HOUR) == [first]
    assert instances.listed(at=NOW + HOUR, limit=1) == [second]
    assert instances.listed(at=NOW + HOUR, after=second) == [first]


def test_nothing_ever_changes_what_the_history_told(instances: Instances, turned: Turned) -> None:
    made = instances.create()
    told = instances.service.changes(made)
    for trigger in ("provision", "activate", "suspend", "resume"):
        turned.time += 1
        instances.advance(made, trigger)
        instances.configure(made, configuration={"last": trigger}, product={**PRODUCT, "name": trigger})
        now = instances.service.changes(made)
        assert now[: len(told)] == told
        assert len(now) == len(told) + 2
        told = now
