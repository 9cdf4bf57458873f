"""What a product may be configured with."""

from __future__ import annotations

from typing import Any

import pytest

from shopctl.provisioning.errors import ParametersInvalid, ParameterUnreadable
from shopctl.provisioning.parameters import checked, parsed, taken

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["region"],
    "additionalProperties": False,
    "properties": {
        "region": {"enum": ["eu", "us"]},
        "seats": {"type": "integer", "minimum": 1, "default": 1},
        "name": {"type": "string", "maxLength": 5},
        "backup": {"type": "boolean"},
    },
}


def test_assignments_become_an_object_and_keep_their_types() -> None:
    assert parsed(["region=eu", "seats=5", "a.b=x=y", "on=true"]) == {
        "region": "eu", "seats": 5, "a": {"b": "x=y"}, "on": True,
    }  # fmt: skip


@pytest.mark.parametrize("text", ["region", "=eu", "a..b=1"])
def test_what_sets_nothing_is_refused(text: str) -> None:
    with pytest.raises(ParameterUnreadable):
        parsed([text])


def test_defaults_stand_where_nothing_was_said_and_texts_become_what_is_asked_for() -> None:
    assert checked("S", SCHEMA, {"region": "eu", "backup": "true", "name": 12}) == {
        "region": "eu", "backup": True, "name": "12", "seats": 1,
    }  # fmt: skip


def test_each_wrong_field_has_a_message_of_its_own() -> None:
    with pytest.raises(ParametersInvalid) as caught:
        checked("S", SCHEMA, {"seats": 0, "name": "too long", "colour": "red", "size": 3})

    assert {(problem["field"], problem["message"]) for problem in caught.value.problems} == {
        ("region", "is needed"),
        ("seats", "must be at least 1"),
        ("name", "must be at most 5 characters long"),
        ("colour", "is not known; known are: region, seats, name, backup"),
        ("size", "is not known; known are: region, seats, name, backup"),
    }


def test_no_schema_takes_nothing() -> None:
    with pytest.raises(ParametersInvalid, match="colour: is not known; known are: none"):
        checked("S", {}, {"colour": "red"})
    assert checked("S", {}, {}) == {}


def test_what_a_schema_does_not_know_is_not_handed_on_to_it() -> None:
    configuration = {"region": "eu", "paid_until": "2027-01-01", "x-note": "n"}

    assert taken(SCHEMA, configuration) == {"region": "eu"}
    assert taken({**SCHEMA, "patternProperties": {"^x-": {}}}, configuration) == {"region": "eu", "x-note": "n"}
    assert taken({"properties": {"region": {}}}, configuration) == configuration
    assert taken({}, configuration) == {}
