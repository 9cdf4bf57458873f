"""Which events somebody wants, and how long one waits who failed."""

from __future__ import annotations

import pytest

from shopctl.events.model import wait_after, wanted


@pytest.mark.parametrize(
    ("types", "type_", "wants"),
    [
        (("run.completed",), "run.completed", True),
        (("run.completed",), "run.completed.twice", False),
        (("run.*",), "run.parked", True),
        (("run.*",), "runner.parked", False),
        (("step.failed", "run.*"), "step.failed", True),
        (("*",), "anything", True),
        ((), "anything", False),
    ],
)
def test_a_type_is_wanted_exactly_or_by_how_it_begins(types: tuple[str, ...], type_: str, wants: bool) -> None:
    assert wanted(types, type_) is wants


def test_the_waits_grow_up_to_five_minutes() -> None:
    assert [wait_after(attempts) // 1_000_000 for attempts in (1, 2, 3, 9, 99)] == [2, 4, 8, 300, 300]
