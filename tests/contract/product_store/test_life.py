"""The life of instances: created once, advanced by compare-and-set, configured, related, never changed at its end."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from contract.conftest import Turned
from shopctl.kernel import ids
from shopctl.product_store import storing
from shopctl.product_store.errors import (
    InstanceClosed,
    InstanceNotFound,
    InstanceStale,
    InstanceTaken,
    InvalidInstance,
    InvalidRelation,
    InvalidTransition,
    PartsAlive,
)
from shopctl.product_store.model import STATES
from shopctl.product_store.storing import Cause
from shopctl.storage.database import open_database
from support.instances import PRODUCT, WAYS, Instances
from support.products import HOUR, NOW


def test_an_instance_is_kept_as_it_was_sold(instances: Instances, turned: Turned) -> None:
    made = instances.create(
        configuration={"region": "eu", "seats": 5}, customisation={"engraving": "Für Anna 🎁"}, purchase="pur_1"
    )
    assert ids.prefix_of(made) == "ins"
    turned.time += HOUR
    instances.advance(made, "activate", configuration={"host": "h-1", "seats": None}, run_id="run_1")

    assert instances.service.show(made) == {
        "instance_id": made, "sku": "HOST-1", "customer": "C-1", "state": "active", "product": PRODUCT,
        "configuration": {"region": "eu", "host": "h-1"}, "customisation": {"engraving": "Für Anna 🎁"},
        "parent_id": None, "upgrade_from_id": None, "purchase_id": "pur_1", "version": 2,
        "created_at": "2026-11-18T11:06:40Z", "updated_at": "2026-11-18T12:06:40Z",
        "started_at": "2026-11-18T12:06:40Z", "terminated_at": None,
    }  # fmt: skip
    trail = [(entry.action, entry.subject) for entry in instances.audit.entries(limit=10)]
    assert trail == [("instance.activate", made), ("instance.create", made)]


@pytest.mark.parametrize("state", STATES)
def test_every_state_is_reached_and_stored(instances: Instances, state: str) -> None:
    made = instances.create(state=state)
    assert instances.service.get(made).state == state
    assert instances.service.get(made).version == 1 + len(WAYS[state])
    assert (instances.service.get(made).terminated_at is not None) == (state == "terminated")


def test_a_step_that_the_life_cycle_does_not_know_changes_nothing(instances: Instances) -> None:
    made = instances.create(state="suspended")
    before = instances.stored()
    with pytest.raises(InvalidTransition, match=f"{made} is suspended and cannot end") as refused:
        instances.advance(made, "end", configuration={"x": 1})
    assert refused.value.exit_code == 5
    assert refused.value.advice == "From suspended there is: resume, terminate"
    with pytest.raises(InvalidTransition):
        instances.advance(made, "suspend")
    assert instances.stored() == before


def test_a_run_that_repeats_its_last_step_changes_nothing(instances: Instances) -> None:
    made = instances.create()
    once = instances.advance(made, "activate", run_id="run_1")
    before = instances.stored()
    assert instances.advance(made, "activate", run_id="run_1") == once
    assert instances.stored() == before
    for other in ("run_2", None):
        with pytest.raises(InvalidTransition):
            instances.advance(made, "activate", run_id=other)


def test_creating_again_under_the_same_id_changes_nothing(instances: Instances) -> None:
    own = ids.new("ins")
    assert instances.create(instance_id=own) == own
    before = instances.stored()
    assert instances.create(instance_id=own) == own
    assert instances.stored() == before
    for given in ({"customer": "C-2"}, {"sku": "HOST-2"}):
        with pytest.raises(InstanceTaken):
            instances.create(instance_id=own, **given)
    with pytest.raises(InvalidInstance):
        instances.create(instance_id="ins_1")


def test_whoever_expects_another_version_is_refused(instances: Instances) -> None:
    made = instances.create(state="active")
    instances.configure(made, configuration={"region": "us"}, expected_version=2)
    for change in (
        lambda: instances.configure(made, configuration={"region": "ap"}, expected_version=2),
        lambda: instances.advance(made, "suspend", expected_version=2),
        lambda: instances.relate(made, upgrade_from=made, expected_version=2),
    ):
        with pytest.raises(InstanceStale, match="version 3") as refused:
            change()
        assert refused.value.exit_code == 5


def test_what_was_read_before_another_change_is_not_stored(instances: Instances) -> None:
    made = instances.create()
    seen = instances.service.get(made)
    instances.configure(made, configuration={"region": "us"})
    before = instances.stored()
    cause = Cause("configure", "os:anna", None, None)
    with pytest.raises(InstanceStale), instances.database.unit() as unit:
        storing.replace(unit, seen, seen._replace(sku="HOST-2"), cause, NOW)
    assert instances.stored() == before


def test_configuring_merges_and_makes_a_version_only_of_a_difference(instances: Instances) -> None:
    made = instances.create(configuration={"network": {"zone": "a", "vlan": 5}, "region": "eu"})
    changed = instances.configure(
        made,
        configuration={"network": {"zone": "b"}, "region": None},
        customisation={"colour": "red"},
        sku="HOST-2",
        product={"name": "Bigger host"},
    )
    assert changed == instances.service.get(made)
    assert (changed.configuration, changed.customisation) == ({"network": {"zone": "b", "vlan": 5}}, {"colour": "red"})
    assert (changed.sku, changed.product, changed.version) == ("HOST-2", {"name": "Bigger host"}, 2)
    before = instances.stored()
    instances.configure(made, configuration={"network": {"vlan": 5}, "nothing": None}, customisation={})
    assert instances.stored() == before


@pytest.mark.parametrize("state", ["pending_terminate", "terminated", "aborted"])
def test_at_the_end_nothing_is_changed_any_more(instances: Instances, state: str) -> None:
    made, other = instances.create(state=state), instances.create()
    before = instances.stored()
    with pytest.raises(InstanceClosed, match=state):
        instances.configure(made, configuration={"x": 1})
    with pytest.raises(InstanceClosed):
        instances.relate(made, upgrade_from=other)
    with pytest.raises(InvalidRelation, match=f"that is {state}"):
        instances.relate(other, parent=made)
    assert instances.stored() == before


@pytest.mark.parametrize(
    "given",
    [{"configuration": {"a": "\0"}}, {"configuration": ["a"]}, {"customisation": {"a": "\ud800"}}, {"product": "x"},
     {"sku": ""}, {"customer": "x" * 201}, {"purchase": ""}],
)  # fmt: skip
def test_what_cannot_be_stored_is_refused_the_same_on_both_databases(
    instances: Instances, given: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInstance):
        instances.create(**given)
    made = instances.create()
    if given.keys() & {"configuration", "customisation", "product", "sku"}:
        with pytest.raises(InvalidInstance):
            instances.configure(made, **given)
    assert instances.listed() == [made]


def test_a_bundle_holds_its_parts_and_outlives_them(instances: Instances) -> None:
    bundle = instances.create(sku="BUNDLE", state="active")
    part = instances.create(parent=bundle, state="active")
    assert instances.listed(parent=bundle) == [part]
    instances.advance(bundle, "terminate")
    with pytest.raises(PartsAlive, match=f"{part} is active"):
        instances.advance(bundle, "end")
    instances.advance(part, "terminate")
    instances.advance(part, "end")
    assert instances.advance(bundle, "end").state == "terminated"


def test_relations_stay_within_a_customer_and_never_go_round(instances: Instances) -> None:
    bundle, inner, part = (instances.create() for _ in range(3))
    foreign = instances.create(customer="C-2")
    instances.relate(inner, parent=bundle)
    instances.relate(part, parent=inner)
    for instance, given, reason in (
        (part, {"parent": foreign}, "another customer's"),
        (part, {"upgrade_from": foreign}, "another customer's"),
        (part, {"upgrade_from": part}, "the same one"),
        (bundle, {"parent": bundle}, "the same one"),
        (bundle, {"parent": part}, "a part of itself"),
    ):
        with pytest.raises(InvalidRelation, match=reason) as refused:
            instances.relate(instance, **given)
        assert refused.value.exit_code == 12
    for given in ({"parent": "ins_0"}, {"upgrade_from": "ins_0"}):
        with pytest.raises(InstanceNotFound):
            instances.relate(part, **given)
    assert instances.relate(part, upgrade_from=bundle).upgrade_from_id == bundle
    assert instances.service.history(part)[0]["changes"] == {"upgrade_from_id": {"from": None, "to": bundle}}


def test_an_unknown_instance_is_named(instances: Instances) -> None:
    for ask in (
        lambda: instances.service.get("ins_0"),
        lambda: instances.service.history("ins_0"),
        lambda: instances.service.as_of("ins_0", NOW),
        lambda: instances.advance("ins_0", "activate"),
        lambda: instances.configure("ins_0", configuration={}),
    ):
        with pytest.raises(InstanceNotFound, match="'ins_0'") as refused:
            ask()
        assert refused.value.exit_code == 3


def test_a_unit_that_fails_leaves_nothing(instances: Instances) -> None:
    made = instances.create()
    before = instances.stored()
    with pytest.raises(RuntimeError), instances.database.unit() as unit:
        instances.service.advance(unit, made, "activate")
        assert instances.service.within(unit, made).state == "active"
        instances.service.create(unit, customer="C-1", sku="X", product=PRODUCT)
        raise RuntimeError
    assert instances.stored() == before


def test_of_many_at_once_each_change_is_a_version(instances: Instances, database_url: str, tmp_path: Path) -> None:
    made, each = instances.create(), 8
    failures: list[BaseException] = []

    def change(name: str) -> None:
        try:
            with closing(open_database(database_url)) as own:
                other = Instances(own, tmp_path / "audit.key", instances.clock)
                for number in range(each):
                    other.configure(made, configuration={name: number})
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=change, args=(name,)) for name in ("a", "b", "c", "d")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    found = instances.service.get(made)
    assert (found.version, found.configuration) == (1 + 4 * each, dict.fromkeys("abcd", each - 1))
    assert [row["version"] for row in instances.service.history(made)] == list(range(1 + 4 * each, 0, -1))
