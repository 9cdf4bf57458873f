"""The life of an instance, merge patches, and what a history tells, without a database."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from shopctl.product_store.model import (
    CHANGEABLE,
    CLOSED,
    LIFE_CYCLE,
    STATES,
    TRACKED,
    Change,
    Instance,
    as_it_was,
    changed_fields,
    differences,
    merged,
    target_of,
    triggers_from,
)

HOST = Instance(
    "ins_1", "C-1", "HOST-1", "created", {"name": "Host"}, {"region": "eu"}, {}, None, None, None, 1, 10, 10, None, None
)  # fmt: skip


def test_every_state_is_reached_and_the_closed_ones_are_left_by_nothing_but_another_try() -> None:
    reached, way = {"created"}, ["created"]
    for state in way:
        new = [step.target for step in LIFE_CYCLE if state in step.sources and step.target not in reached]
        reached.update(new)
        way += new
    assert reached == set(STATES)
    assert {state: triggers_from(state) for state in CLOSED} == {"terminated": [], "aborted": ["provision"]}
    assert all(triggers_from(state) for state in STATES if state not in CLOSED)
    assert CHANGEABLE.isdisjoint(CLOSED)
    assert {state for step in LIFE_CYCLE for state in step.sources} <= set(STATES)


@pytest.mark.parametrize(
    ("trigger", "state", "target"),
    [
        ("activate", "pending_active", "active"),
        ("suspend", "active", "suspended"),
        ("resume", "suspended", "active"),
        ("terminate", "suspended", "pending_terminate"),
        ("keep_suspended", "pending_terminate", "suspended"),
        ("end", "active", None),
        ("resume", "active", None),
        ("activate", "terminated", None),
        ("abort", "active", None),
        ("explode", "active", None),
    ],
)
def test_a_trigger_leads_somewhere_or_is_unknown(trigger: str, state: str, target: str | None) -> None:
    assert target_of(trigger, state) == target


def test_the_diagram_in_the_docs_is_the_life_cycle() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs/instances.md").read_text()
    drawn = re.findall(r"^    (\w+) --> (\w+): (\w+)$", page, re.MULTILINE)
    assert sorted(drawn) == sorted(
        (source, step.target, step.trigger) for step in LIFE_CYCLE for source in step.sources
    )


def test_two_triggers_never_differ_in_nothing() -> None:
    assert len({(step.trigger, source) for step in LIFE_CYCLE for source in step.sources}) == sum(
        len(step.sources) for step in LIFE_CYCLE
    )


def test_the_first_activation_is_the_start_and_later_ones_are_not() -> None:
    active = HOST.moved("active", 20).moved("suspended", 30).moved("active", 40)
    assert active.started_at == 20
    assert active.moved("terminated", 50).terminated_at == 50


@pytest.mark.parametrize(
    ("value", "patch", "result"),
    [  # RFC 7396, appendix A
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_merge_patch_does_as_the_standard_says(value: Any, patch: Any, result: Any) -> None:
    before = repr(value)
    assert merged(value, patch) == result
    assert repr(value) == before


def test_what_json_tells_apart_is_a_change() -> None:
    assert changed_fields(HOST, HOST._replace(configuration={"region": "eu"})) == []
    one, true = (HOST._replace(configuration={"on": value}) for value in (1, True))
    assert changed_fields(one, true) == ["configuration"]
    assert set(TRACKED) < set(Instance._fields)


def test_differences_go_into_objects_key_by_key() -> None:
    before = {"state": "active", "configuration": {"region": "eu", "seats": 5}, "started_at": None}
    after = {"state": "suspended", "configuration": {"region": "us", "seats": 5, "zone": 1}, "started_at": 0}
    assert differences(before, after) == {
        "state": {"from": "active", "to": "suspended"},
        "configuration.region": {"from": "eu", "to": "us"},
        "configuration.zone": {"from": None, "to": 1},
        "started_at": {"from": None, "to": "1970-01-01T00:00:00Z"},
    }


def change(version: int, at: int, after: dict[str, Any]) -> Change:
    return Change("ins_1", version, at, "x", "s", "os:anna", None, None, None, after)


FIRST = change(1, 10, {"customer_id": "C-1", "sku": "HOST-1", "state": "created", "configuration": {"region": "eu"}})


def test_the_past_is_told_by_the_changes_until_then() -> None:
    told = [FIRST, change(2, 20, {"state": "active"}), change(3, 30, {"configuration": {"region": "us"}})]
    assert as_it_was(told, 9) is None
    then = as_it_was(told, 29)
    assert then is not None
    assert (then.state, then.configuration, then.version) == ("active", {"region": "eu"}, 2)
    assert (then.created_at, then.updated_at, then.product) == (10, 20, {})
    assert as_it_was(told, 30) == then._replace(configuration={"region": "us"}, version=3, updated_at=30)
    assert as_it_was([], 30) is None


def test_a_clock_set_back_hides_no_change_that_lies_under_one_that_is_shown() -> None:
    told = [FIRST, change(2, 50, {"state": "active"}), change(3, 20, {"sku": "HOST-2"})]
    then = as_it_was(told, 25)
    assert then is not None
    assert (then.state, then.sku, then.version) == ("active", "HOST-2", 3)
