"""What a step's `with` may hold, as written and as resolved."""

from __future__ import annotations

from typing import Any

import pytest

from shopctl.provisioning.actions.fulfilment import fulfilment_actions
from shopctl.provisioning.actions.given import Field, ValuesInvalid, given, problems
from shopctl.provisioning.actions.stock import stock_actions
from shopctl.workflow.ports import Call

FIELDS = {
    "sku": Field("text", needed=True),
    "quantity": Field("count", default=1),
    "hold": Field("length", default=60),
    "wait": Field("yes_or_no", default=False),
    "to": Field("object"),
}


def call(**values: Any) -> Call:
    return Call("run_1", "reserve", 1, 1, "run_1.reserve.1", values, 30.0)


def test_a_with_is_checked_as_it_is_written() -> None:
    assert problems({"sku": "${input.sku}", "quantity": "${input.quantity}", "hold": "7d", "to": {}}, FIELDS) == []
    assert problems({"quantity": 0, "hold": "soon", "wait": "yes", "to": "Ulm", "skuu": "x"}, FIELDS) == [
        "`sku` is needed",
        "`skuu` is not known here; there are `sku`, `quantity`, `hold`, `wait`, `to`",
        "`quantity` must be a whole number of at least 1",
        '`hold` must be a length of time such as "7d"',
        "`wait` must be true or false",
        "`to` must be a table",
    ]


def test_values_are_read_with_their_defaults() -> None:
    assert given(call(sku="MUG-1", quantity="3", hold="2h", to={"city": "Ulm"}), FIELDS) == {
        "sku": "MUG-1", "quantity": 3, "hold": 7200, "wait": False, "to": {"city": "Ulm"},
    }  # fmt: skip
    assert given(call(sku=None, quantity=None), FIELDS)["quantity"] == 1


@pytest.mark.parametrize("quantity", [0, -1, True, 1.0, "1.5", "²", "", 10**15 + 1, [], "9" * 30])
def test_what_is_no_quantity_is_named(quantity: object) -> None:
    with pytest.raises(ValuesInvalid, match="reserve cannot be carried out: `quantity` is not a whole number"):
        given(call(sku="MUG-1", quantity=quantity), FIELDS)


def test_what_is_required_must_have_a_value() -> None:
    with pytest.raises(ValuesInvalid, match="`sku` has no value"):
        given(call(), FIELDS, required=("sku",))


def test_the_actions_are_where_their_port_is() -> None:
    class Kept:
        place = "outside"

    found = stock_actions(Kept()) | fulfilment_actions(Kept())  # type: ignore[arg-type]

    assert list(found) == [
        "reserve-stock", "renew-stock", "release-stock", "fulfil-stock", "return-stock",
        "pick", "ship", "track", "cancel-shipment",
    ]  # fmt: skip
    assert {action.place for action in found.values()} == {"outside"}  # type: ignore[attr-defined]
    assert found["release-stock"].problems({}) == ["`reservation` is needed"]
