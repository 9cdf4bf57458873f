"""What is asked for is looked at as a whole before anything begins, on both databases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from shopctl.bootstrap import Services
from shopctl.kernel.settings import load_settings
from shopctl.provisioning.errors import NotSold, OutOfStock, ParametersInvalid
from shopctl.provisioning.model import Request
from shopctl.provisioning.templates import BUNDLED
from support.shop import Shop

FEED = """sku,name,price,currency,kind,stock
MUG-1,Mug,9.90,EUR,physical,10
BOOK-1,E-book,5,EUR,digital,
SUB-1,Magazine,3,EUR,subscription,
SUB-2,Newspaper,4,EUR,subscription,
"""


@contextmanager
def services(shop: Shop) -> Iterator[Services]:
    with closing(Services(load_settings(shop.folder, shop.environment()))) as found:
        yield found


@pytest.fixture
def selling(any_shop: Shop) -> Iterator[Services]:
    any_shop.run("catalogue", "import", "-", "--format", "csv", input=FEED)
    with services(any_shop) as found:
        yield found


def start(shop: Services, sku: str, quantity: int = 1, **parameters: Any) -> dict[str, Any]:
    return shop.provisioning.start(Request(sku, "C-1", parameters, quantity))


def instances(shop: Services) -> list[dict[str, Any]]:
    with shop.database.read() as unit:
        rows = unit.tuples("select id, sku, state, configuration, parent_id from instance order by id")
    names = ("id", "sku", "state", "configuration", "parent")
    return [{**dict(zip(names, row, strict=True)), "configuration": json.loads(row[3])} for row in rows]


@pytest.mark.parametrize("sku", ["MUG-1", "BOOK-1", "SUB-1"])
def test_a_parameter_that_the_template_does_not_know_is_refused(selling: Services, sku: str) -> None:
    with pytest.raises(ParametersInvalid, match="seat: is not known"):
        start(selling, sku, seat=5)
    assert instances(selling) == []


def test_what_an_instance_became_does_not_keep_it_from_being_changed(selling: Services) -> None:
    instance = start(selling, "SUB-1", seats=2)["instance_id"]
    change = selling.provisioning.change

    assert change(instance, "upgrade", {}, to_sku="SUB-2")["state"] == "completed"
    assert change(instance, "modify", {"seats": 3})["state"] == "completed"
    for operation, to in (("upgrade", "SUB-1"), ("modify", None)):
        with pytest.raises(ParametersInvalid, match="seat: is not known"):
            change(instance, operation, {"seat": 5}, to_sku=to)
    [found] = instances(selling)
    assert (found["sku"], found["configuration"]["seats"]) == ("SUB-2", 3)
    assert found["configuration"].keys() == {"period", "seats", "paid_from", "paid_until"}


@pytest.fixture
def bundled(any_shop: Shop, selling: Services) -> Services:
    price = {"prices": [{"amount": "9", "currency": "EUR"}]}
    boxes = [
        {"sku": "BOX-1", "name": "Box", "kind": "bundle", "components": [part("SUB-1"), part("MUG-1", 2)], **price},
        {"sku": "BOX-2", "name": "Two", "kind": "bundle", "components": [part("BOX-1"), part("MUG-1")], **price},
    ]
    any_shop.run("catalogue", "import", "-", "--format", "json", input=json.dumps(boxes))
    return selling


def part(sku: str, quantity: int = 1) -> dict[str, Any]:
    return {"sku": sku, "quantity": quantity}


def test_the_plan_of_a_bundle_has_those_of_its_components(any_shop: Shop, bundled: Services) -> None:
    plan = bundled.provisioning.plan(Request("BOX-2", "C-1", {}, 2))

    assert [(each["sku"], each["quantity"], each["template"]) for each in plan["components"]] == [
        ("BOX-1", 2, "bundle"), ("MUG-1", 2, "physical-good"),
    ]  # fmt: skip
    [magazine, mug] = plan["components"][0]["components"]
    assert [step["step"] for step in magazine["steps"]] == ["activate", "tell"]
    assert mug["quantity"] == 4
    assert [(each["sku"], each["quantity"], each["available"]) for each in plan["reservations"]] == [
        ("MUG-1", 4, 10), ("MUG-1", 2, 10),
    ]  # fmt: skip
    drawn = any_shop.run("provision", "plan", "BOX-2").stdout
    assert "    · activate" in drawn
    assert "reserves 2 of MUG-1, 10 are available" in drawn


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"SUB-1": {"seats": 0}, "MUG-1": {"colour": "red"}}, ["components.SUB-1.seats", "components.MUG-1.colour"]),
        ({"SUB-2": {}, "SUB-1": 5}, ["components.SUB-2", "components.SUB-1"]),
    ],
)
def test_what_a_component_cannot_be_given_is_refused_at_once(
    bundled: Services, given: dict[str, Any], fields: list[str]
) -> None:
    with pytest.raises(ParametersInvalid) as refused:
        start(bundled, "BOX-1", components=given)
    assert [problem["field"] for problem in refused.value.problems] == fields
    with pytest.raises(ParametersInvalid, match=f"components.BOX-1.{fields[0]}"):
        start(bundled, "BOX-2", components={"BOX-1": {"components": given}})
    assert instances(bundled) == []


def test_a_bundle_is_refused_at_once_when_a_component_cannot_be_had(any_shop: Shop, bundled: Services) -> None:
    with pytest.raises(OutOfStock, match="Only 10 of MUG-1 are left, 12 were asked for"):
        start(bundled, "BOX-2", 4)
    any_shop.run("catalogue", "retire", "SUB-1")
    with pytest.raises(NotSold, match="SUB-1"):
        start(bundled, "BOX-2")
    assert instances(bundled) == []


def test_a_bundle_ends_after_its_parts(bundled: Services) -> None:
    bundle = start(bundled, "BOX-2")
    assert bundle["state"] == "completed"
    magazine = next(each for each in instances(bundled) if each["sku"] == "SUB-1")

    ended = bundled.provisioning.change(bundle["instance_id"], "terminate", {})

    assert ended["state"] == "completed"
    assert {each["state"] for each in instances(bundled)} == {"terminated"}
    assert {each["sku"] for each in bundled.provisioning.show(ended["run_id"])["parts"]} == {"BOX-1"}
    with bundled.database.read() as unit:
        told = unit.value("select count(*) from event where type = 'instance.out_of_step'")
        run = unit.value(
            "select operation from provisioning_run where instance_id = :id order by run_id desc", id=magazine["id"]
        )
    assert (told, run) == (0, "terminate")


def test_a_part_that_cannot_end_keeps_its_bundle_and_is_tried_again_with_it(bundled: Services) -> None:
    templates = bundled.templates.folder
    templates.mkdir()
    text = (BUNDLED / "subscription.toml").read_text().replace('name = "subscription"', 'name = "mine"')
    asking = text.replace("select]\n", 'select]\nsku = "SUB-1"\n').replace(
        "[[operations.terminate.steps]]\n",
        '[[operations.terminate.steps]]\nname = "ask"\naction = "approval"\ncompensate = false\n'
        "[[operations.terminate.steps]]\n",
    )
    (templates / "mine.toml").write_text(asking)
    bundle = start(bundled, "BOX-1")["instance_id"]
    service = bundled.provisioning
    run = service.change(bundle, "terminate", {})["run_id"]
    [child] = service.show(run)["parts"]
    service.approve(child["run_id"], approved=False)
    bundled.worker().work(until_idle=True)

    assert service.state(run)[0] == "parked"
    assert {each["sku"]: each["state"] for each in instances(bundled)} == {
        "BOX-1": "pending_terminate", "SUB-1": "active", "MUG-1": "terminated",
    }  # fmt: skip
    service.retry([run])
    bundled.worker().work(until_idle=True)
    service.approve(child["run_id"])
    bundled.worker().work(until_idle=True)
    assert service.state(run)[0] == "completed"
    assert {each["state"] for each in instances(bundled)} == {"terminated"}
