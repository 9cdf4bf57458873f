"""What must agree: each rule is silent on a sound shop, and names what was broken on purpose."""

from __future__ import annotations

import pytest

from shopctl.operations.consistency import agreement
from shopctl.product_store.rules import rules
from support.instances import WAYS, Instances

BROKEN = {
    "an instance's state is one there is, and its dates fit it":
        "update instance set terminated_at = null where state = 'terminated'",
    "an instance's state is what its history ends with":
        "update instance set state = 'suspended' where state = 'active'",
    "an instance's history has every version and no other":
        "delete from instance_change where version = 1",
    "a history is of an instance": "delete from instance where state = 'created'",
    "a bundle that has ended has no part that lives":
        """update instance set parent_id = (select id from instance where state = 'aborted')
            where state = 'active'""",
    "a part's bundle is there, and of the same customer":
        "update instance set parent_id = (select id from instance where customer_id = 'C-2') where state = 'active'",
    "what an instance replaces is there, and of the same customer":
        "update instance set upgrade_from_id = 'ins_0' where state = 'active'",
    "an instance's product, configuration and customisation are JSON objects":
        "update instance set customisation = '[]' where state = 'active'",
}  # fmt: skip


@pytest.fixture(autouse=True)
def shop(instances: Instances) -> None:
    bundle = instances.create(sku="BUNDLE")
    for state in WAYS:
        instances.create(state=state, parent=bundle if state == "pending_active" else None)
    instances.create(customer="C-2")


def test_a_sound_shop_passes(instances: Instances) -> None:
    with instances.database.read() as unit:
        found = {finding.check: finding.state for finding in agreement(unit)}
    assert set(found.values()) == {"ok"}
    assert {rule.check for rule in rules(instances.database.dialect)} <= found.keys()


@pytest.mark.parametrize("check", BROKEN)
def test_what_is_broken_is_named(instances: Instances, check: str) -> None:
    if check.endswith("JSON objects") and instances.database.dialect == "postgres":
        broken = BROKEN[check].replace("'[]'", "'x'")
    else:
        broken = BROKEN[check]
    with instances.database.unit(dry_run=True) as unit:
        assert unit.execute(broken) >= 1
        differing = {finding.check: finding for finding in agreement(unit) if finding.state == "differs"}
    assert check in differing
    assert differing[check].example


def test_every_rule_is_broken_once_and_has_a_repair(instances: Instances) -> None:
    assert {rule.check for rule in rules(instances.database.dialect)} == BROKEN.keys()
    assert all(rule.repair for rule in rules(instances.database.dialect))
