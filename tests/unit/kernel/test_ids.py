"""Identifiers: a prefix, then a UUIDv7 in Crockford's base 32."""

from __future__ import annotations

import itertools
import time

import pytest

from shopctl.kernel import ids


def number_of(identifier: str) -> int:
    number = 0
    for character in identifier.partition("_")[2]:
        number = number << 5 | "0123456789abcdefghjkmnpqrstvwxyz".index(character)
    return number


def test_an_identifier_is_a_uuid_of_version_7():
    before = time.time_ns() // 1_000_000
    number = number_of(ids.new("imp"))
    assert number < 1 << 128
    assert number >> 76 & 0xF == 7
    assert number >> 62 & 0b11 == 0b10
    assert before <= number >> 80 <= time.time_ns() // 1_000_000


def test_later_ones_sort_after_earlier_ones_and_no_two_are_the_same():
    made = [ids.new("run") for _ in range(20_000)]
    assert made == sorted(set(made))


@pytest.mark.assure("R9")
@pytest.mark.parametrize("step", [0, -1_000_000_000])
def test_a_clock_that_stands_still_or_is_set_back_does_not_disturb_the_order(step, monkeypatch):
    moments = itertools.count(time.time_ns(), step)
    monkeypatch.setattr(time, "time_ns", lambda: next(moments))
    made = [ids.new("run") for _ in range(10_000)]
    assert made == sorted(set(made))


@pytest.mark.assure("R9")
@pytest.mark.parametrize("jump", [3600, -3600, 86400, -86400])
def test_a_clock_that_jumps_and_comes_back_makes_nothing_twice(jump, monkeypatch):
    began = time.time_ns()
    made = []
    for seconds in (0, jump, 0, jump, 0):
        moment = began + seconds * 1_000_000_000  # the very same moments again and again
        monkeypatch.setattr(time, "time_ns", lambda moment=moment: moment)
        made += [ids.new("run") for _ in range(5_000)]
    assert made == sorted(set(made))


def test_the_prefix_can_be_read_back():
    assert ids.prefix_of(ids.new("pur")) == "pur"


@pytest.mark.parametrize(
    "text", ["", "pur", "pur_", "pur_1", "_" + "0" * 26, "pur_" + "u" * 26, "pur_" + "A" * 26, "p1_" + "0" * 26]
)
def test_anything_else_has_no_prefix(text):
    assert ids.prefix_of(text) is None


def test_many_at_once_are_as_those_made_one_by_one() -> None:
    made = [ids.new("usr"), *ids.several("usr", 10_000), ids.new("usr"), *ids.several("usr", 0)]

    assert made == sorted(set(made))
    numbers = [number_of(each) for each in made]
    assert {number >> 76 & 15 for number in numbers} == {7}
    assert {number >> 62 & 3 for number in numbers} == {2}
    assert len({number & (1 << 62) - 1 for number in numbers}) == len(made)
    # Each of the random bits is set in half of them.
    for bit in range(62):
        assert 0.45 < sum(number >> bit & 1 for number in numbers) / len(numbers) < 0.55
