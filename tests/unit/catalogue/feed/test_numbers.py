"""Numbers as people write them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shopctl.catalogue.feed.numbers import NotANumber, currency_of, decimal_habit, number


@pytest.mark.parametrize(
    ("text", "plain", "mark"),
    [
        ("19.99", "19.99", ""),
        ("1.234,56", "1234.56", ""),
        ("1,234.56", "1234.56", ""),
        ("1 234,56", "1234.56", ""),
        ("1\u00a0234,56", "1234.56", ""),
        ("1\u202f234\u202f567.5", "1234567.5", ""),
        ("1'234.56", "1234.56", ""),
        ("1’234’567", "1234567", ""),
        ("CHF 12.–", "12.00", "chf"),
        ("12,-- €", "12.00", "€"),
        ("1.234,—", "1234.00", ""),
        ("1,234,567", "1234567", ""),
        ("1.234.567", "1234567", ""),
        ("12,34,567.50", "1234567.50", ""),  # lakh
        ("12,5", "12.5", ""),
        ("0,125", "0.125", ""),
        ("0.125", "0.125", ""),
        ("1234,567", "1234.567", ""),
        (".5", "0.5", ""),
        ("€ 12,50", "12.50", "€"),
        ("12.50 EUR", "12.50", "eur"),
        ("USD 3", "3", "usd"),
        ("US$3", "3", "us$"),
        ("-5", "-5", ""),
        ("−5", "-5", ""),
        ("€ -5", "-5", "€"),
        ("-€5", "-5", "€"),
        ("5-", "-5", ""),
        ("(5.00)", "-5.00", ""),
        ("+5", "5", ""),
    ],
)
def test_a_number(text: str, plain: str, mark: str) -> None:
    assert number(text) == (plain, mark)


@pytest.mark.parametrize(
    "text",
    ["", " ", "abc", "1e5", "1E5", "NaN", "Infinity", "1.2.3", "1,2,3", "12.3.4", "1 2", "1 23,4", "€5€", "--5",
     "1,234.567,8", "١٢", "0x10", "5%5", "1_000", "12,-5"],
)  # fmt: skip
def test_no_number(text: str) -> None:
    try:
        plain, mark = number(text)
    except NotANumber:
        return
    assert currency_of(mark, "EUR") is None, (plain, mark)


@pytest.mark.parametrize(
    ("text", "decimal", "exponent", "plain"),
    [
        ("1,234", "", 2, "1234"),
        ("1,234", "", 3, "1.234"),
        ("1,234", ",", 2, "1.234"),
        ("1,234", ".", 3, "1234"),
        ("1.234", "", 2, "1.234"),
        ("1.234", ",", 2, "1234"),
        ("1.234", ".", 2, "1.234"),
    ],
)
def test_a_single_separator_before_three_digits_is_read_by_the_habit_of_the_column(
    text: str, decimal: str, exponent: int, plain: str
) -> None:
    assert number(text, decimal, exponent)[0] == plain


@pytest.mark.parametrize(
    ("cells", "habit"),
    [
        (["12,50", "1,234"], ","),
        (["12.50", "1,234"], "."),
        (["1.234,00"], ","),
        (["1.234.567"], ","),
        (["1,234", "5"], ""),
        (["€ 12,50"], ","),
        (["12,50", "12.50"], ""),
        ([], ""),
    ],
)
def test_the_habit_of_a_column(cells: list[str], habit: str) -> None:
    assert decimal_habit(cells) == habit


@given(
    some.decimals(0, 10**12, places=2, allow_nan=False),
    some.sampled_from([",.", ".,", " ,", "' .".replace(" ", ""), "\u00a0,"]),
)
def test_any_grouping_reads_exactly(value: Decimal, separators: str) -> None:
    thousands, decimal = separators
    text = f"{value:,.2f}".translate({ord(","): thousands, ord("."): decimal})

    assert Decimal(number(text)[0]) == value


def test_a_sign_of_several_currencies_means_the_rows_own() -> None:
    assert currency_of("$", "CAD") == "CAD"
    assert currency_of("$", "EUR") == "USD"
    assert currency_of("eur", "USD") == "EUR"
    assert currency_of("", "EUR") == "EUR"
    assert currency_of("piece", "EUR") is None
