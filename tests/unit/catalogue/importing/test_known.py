"""Hashes of known records, and the lines where they were met."""

from __future__ import annotations

import random

import pytest

from shopctl.catalogue.importing.known import KnownRecords


def test_it_knows_what_it_was_given_and_nothing_else(dice: random.Random):
    numbers = [dice.randrange(-(2**63), 2**63) for _ in range(1000)]
    known = KnownRecords(numbers[:500])

    assert known.unknown(numbers) == list(range(500, 1000))
    assert len(known) == 500
    assert KnownRecords(()).unknown([5]) == [0]


def test_of_several_lines_the_last_counts_and_the_others_are_repeats():
    known = KnownRecords([30, 10, 20])
    for value, line in ((10, 2), (20, 3), (10, 4), (10, 9)):
        assert known.unknown([value]) == []
        known.met([(line, value)])

    assert [known.line_of(value) for value in (10, 20, 30, 40)] == [9, 3, 0, 0]
    assert known.repeats() == [(10, 2), (10, 4)]


def test_notes_travel_to_the_process_with_the_same_hashes():
    reader, writer = KnownRecords([1, 2]), KnownRecords([1, 2])
    for line in (5, 6):
        assert reader.unknown([2]) == []
        reader.met([(line, 2)])

    writer.take_notes(reader.notes())

    assert (writer.line_of(2), writer.line_of(1), writer.repeats()) == (6, 0, [(2, 5)])


@pytest.mark.parametrize("order", ["as before", "backwards", "shuffled", "with strangers", "every other", "twice"])
def test_a_feed_in_any_order_is_known(order: str, dice: random.Random):
    numbers = [dice.randrange(-(2**63), 2**63) for _ in range(5000)]
    known = KnownRecords(numbers)
    given = {
        "as before": numbers,
        "backwards": numbers[::-1],
        "shuffled": dice.sample(numbers, len(numbers)),
        "with strangers": [each for number in numbers for each in (number, number ^ 1)],
        "every other": numbers[::2],
        "twice": numbers * 2,
    }[order]
    read_in_vain = 0
    for start in range(0, len(given), 500):
        batch = given[start : start + 500]
        unknown = set(known.unknown(batch))
        read_in_vain += sum(batch[index] in numbers for index in unknown)
        known.met([(start + index + 1, batch[index]) for index in range(len(batch)) if index not in unknown])

    assert read_in_vain <= 10, "one of 500 of the feed, and no more"
    lines = {number: line for line, number in enumerate(given, 1)}
    missed = [number for number in numbers if known.line_of(number) != lines.get(number, 0)]
    assert len(missed) <= read_in_vain
    if order == "twice":
        assert len(known.repeats()) >= 4990
