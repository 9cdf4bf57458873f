"""What is asked for is looked at as a whole before anything begins, on both databases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from shopctl.bootstrap import Services
from shopctl.kernel.settings import load_settings
from shopctl.provisioning.errors import ParametersInvalid
from shopctl.provisioning.model import Request
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
