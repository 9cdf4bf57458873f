"""Card numbers are told from other digits by issuer range and check digit (S19)."""

from __future__ import annotations

import pytest

from shopctl.kernel.cards import find_card_numbers, is_card_number

# The networks' published test numbers.
NUMBERS = [
    "4242424242424242",
    "4222222222222",
    "5555555555554444",
    "2223003122003222",
    "378282246310005",
    "6011111111111117",
    "3056930009020004",
    "36227206271667",
    "3566002020360505",
    "6200000000000005",
    "6759649826438453",
]


@pytest.mark.assure("S18")
@pytest.mark.parametrize("number", NUMBERS)
def test_a_card_number_is_known(number):
    assert is_card_number(number)


@pytest.mark.parametrize("number", NUMBERS)
def test_one_wrong_digit_makes_it_none(number):
    for place in range(len(number)):
        for digit in "0123456789":
            if digit != number[place]:
                assert not is_card_number(number[:place] + digit + number[place + 1 :])


@pytest.mark.parametrize("number", ["", "0", "1234567890123452", "4242", "4006381333931", "0000000000000000"])
def test_other_digits_are_none(number):
    assert not is_card_number(number)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x4242424242424242y", ["4242424242424242"]),
        ("4242-4242-4242-4242, 3782 822463 10005", ["4242-4242-4242-4242", "3782 822463 10005"]),
        ("12 4242 4242 4242 4242 12/29 123", ["4242 4242 4242 4242"]),
        ("4242424242424242 5555555555554444", ["4242424242424242", "5555555555554444"]),
        ("42424242424242421", []),
        ("4242  4242  4242  4242", []),
        ("٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢", []),
        ("", []),
    ],
)
def test_card_numbers_are_found_in_text(text, found):
    assert [text[start:end] for start, end in find_card_numbers(text)] == found
