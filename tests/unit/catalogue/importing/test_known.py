"""Hashes of known records, and the lines where they were met."""

from __future__ import annotations

import random

from shopctl.catalogue.importing.known import KnownRecords


def test_it_knows_what_it_was_given_and_nothing_else(dice: random.Random):
    numbers = [dice.randrange(-(2**63), 2**63) for _ in range(1000)]
    known = KnownRecords(numbers[:500])

    assert all(number in known for number in numbers[:500])
    assert not any(number in known for number in numbers[500:])
    assert "text" not in known
    assert len(known) == 500
    assert 5 not in KnownRecords(())


def test_of_several_lines_the_last_counts_and_the_others_are_repeats():
    known = KnownRecords([30, 10, 20])
    for value, line in ((10, 2), (20, 3), (10, 4), (10, 9)):
        assert value in known
        known.met([(line, value)])

    assert [known.line_of(value) for value in (10, 20, 30, 40)] == [9, 3, 0, 0]
    assert known.repeats() == [(10, 2), (10, 4)]


def test_notes_travel_to_the_process_with_the_same_hashes():
    reader, writer = KnownRecords([1, 2]), KnownRecords([2, 1])
    for line in (5, 6):
        assert 2 in reader
        reader.met([(line, 2)])

    writer.take_notes(reader.notes())

    assert (writer.line_of(2), writer.line_of(1), writer.repeats()) == (6, 0, [(2, 5)])
