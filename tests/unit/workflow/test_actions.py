"""The runner's own actions: a timer ends at its moment, an approval with somebody's decision."""

from __future__ import annotations

from typing import Any

import pytest

from shopctl.workflow.actions import ApprovalAction, TimerAction
from shopctl.workflow.ports import Done, Failed, Outcome, Waiting
from support.calls import Standing, call

NOBODY: Any = None  # these two use no unit


def test_a_timer_ends_at_the_moment_that_its_first_call_fixed():
    clock = Standing()
    timer, values = TimerAction(clock), {"seconds": 90}
    waiting = timer.perform(NOBODY, call(values))

    assert waiting == Waiting(seconds=90.0, memo={"until": 91_000_000})
    clock.time = 31_000_000
    assert timer.perform(NOBODY, call(values, memo={"until": 91_000_000})) == Waiting(
        seconds=60.0, memo={"until": 91_000_000}
    )
    clock.time = 91_000_000
    assert timer.perform(NOBODY, call(values, memo={"until": 91_000_000})) == Done({"until": "1970-01-01T00:01:31Z"})


def test_a_moment_that_has_passed_is_not_waited_for():
    assert TimerAction(Standing(2_000_000)).perform(NOBODY, call({"until": "1970-01-01T00:00:01Z"})) == Done(
        {"until": "1970-01-01T00:00:01Z"}
    )


@pytest.mark.parametrize(
    "values",
    [{}, {"seconds": 1, "until": "2027-01-01"}, {"seconds": -1}, {"seconds": "1"}, {"until": "soon"}, {"second": 1}],
)
def test_a_timer_without_a_moment_is_named_and_fails(values):
    timer = TimerAction(Standing())

    assert timer.problems(values)
    assert isinstance(timer.perform(NOBODY, call(values)), Failed)


def test_a_moment_may_be_an_expression():
    assert TimerAction(Standing()).problems({"until": "${input.ends_at}"}) == []


def decided(payload: Any) -> Outcome:
    return ApprovalAction().perform(NOBODY, call({"question": "Ship it?"}, signal=payload))


def test_an_approval_waits_for_a_decision_and_nothing_else():
    waiting = Waiting(signal="approve", memo={"question": "Ship it?"})

    for payload in (None, {}, {"approved": "yes"}, {"approved": None, "by": "anna"}):
        assert decided(payload) == waiting
    assert decided({"approved": True, "by": "anna", "note": "ok"}) == Done(
        {"approved": True, "by": "anna", "note": "ok"}
    )
    refused = decided({"approved": False, "by": "anna", "note": "too dear"})
    assert refused == Failed("approval.refused", "anna refused it: too dear")
