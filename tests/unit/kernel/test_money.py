"""Money is read and shown exactly."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shopctl.kernel import money
from shopctl.kernel.money import EXPONENTS, LARGEST

currencies = some.sampled_from(sorted(EXPONENTS))
amounts = some.integers(-LARGEST, LARGEST)


@given(amounts, currencies)
def test_what_is_shown_is_read_back(amount: int, currency: str) -> None:
    assert money.parse(money.show(amount, currency), currency) == amount


@given(amounts, currencies)
def test_the_decimal_shown_is_the_amount_in_major_units(amount: int, currency: str) -> None:
    assert Decimal(money.show(amount, currency)) == Decimal(amount).scaleb(-EXPONENTS[currency])


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("19.99", "EUR", 1999),
        ("19.9", "EUR", 1990),
        ("19", "EUR", 1900),
        ("-0.05", "USD", -5),
        ("+3.00", "USD", 300),
        ("1999", "JPY", 1999),
        ("1.234", "KWD", 1234),
        ("1.2345", "CLF", 12345),
        ("36.000", "PLN", 3600),  # zeros lose nothing
        ("1999.00", "JPY", 1999),
        ("0000000000000000000000012.00", "EUR", 1200),
        ("92233720368547758.07", "EUR", LARGEST),
    ],
)
def test_an_amount(text: str, currency: str, minor: int) -> None:
    assert money.parse(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency", "code"),
    [
        ("9.999", "USD", "money.precision"),
        ("0.1", "JPY", "money.precision"),
        ("92233720368547758.08", "EUR", "money.range"),
        ("9" * 400, "EUR", "money.range"),
        ("1e5", "EUR", "money.amount"),
        ("NaN", "EUR", "money.amount"),
        ("Infinity", "EUR", "money.amount"),
        ("1,5", "EUR", "money.amount"),
        ("", "EUR", "money.amount"),
        (".5", "EUR", "money.amount"),
        ("5.", "EUR", "money.amount"),
        ("١٢", "EUR", "money.amount"),
        (" 5", "EUR", "money.amount"),
        ("5", "EURO", "money.currency"),
        ("5", "eur", "money.currency"),
        ("5", "XAU", "money.currency"),
        ("5", "HRK", "money.currency"),  # gone since 2023
    ],
)
def test_no_amount(text: str, currency: str, code: str) -> None:
    with pytest.raises(money.InvalidData) as refused:
        money.parse(text, currency)

    assert refused.value.code == code
    assert refused.value.exit_code == 12


def test_codes_are_three_capitals_with_a_known_exponent() -> None:
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in EXPONENTS)
    assert set(EXPONENTS.values()) == {0, 2, 3, 4}
    assert len(EXPONENTS) > 150
