"""Guards: how their rules read, what they measure, and when they are broken."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from shopctl.catalogue.importing.current import COLUMNS, Current
from shopctl.catalogue.importing.errors import BadGuard
from shopctl.catalogue.importing.guards import combined, parsed
from shopctl.catalogue.importing.measures import CountMeasure, PriceMeasure, moved, percent, replaced_price
from shopctl.catalogue.importing.outcome import Outcome

EUR = ("EUR", "default", 1, 0)
VALUES = tuple("active" if name == "status" else "" for name in COLUMNS)


def repriced(before: dict[Any, Any], after: dict[Any, Any], sku: str = "A") -> Outcome:
    current = Current(1, 1, VALUES, prices=before)
    return Outcome(1, sku, 0, current, VALUES, after, {}, {}, {"prices": before})


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("price-drop<=30%", "price-drop<=30%"),
        (" price-rise <= 2.50 % ", "price-rise<=2.5%"),
        ("created<=1000", "created<=1000"),
        ("retired<=0", "retired<=0"),
        ("updated<=100000%", "updated<=100000%"),
        ("rejected<=0.000001%", "rejected<=0.000001%"),
    ],
)
def test_a_rule_is_read(text: str, rule: str) -> None:
    assert parsed(text).rule == rule


@pytest.mark.parametrize(
    "text",
    ["", "price-drop", "price-drop<30%", "price-drop<=", "price-drop<=-3%", "price-drop<=30", "gone<=5%", "created<=x",
     "created<=1e3", "created<=٣", "created<=1,000", "created<=5%%", "stock-drop<=5%", "created>=5"],
)  # fmt: skip
def test_another_text_is_refused_and_the_rules_are_named(text: str) -> None:
    with pytest.raises(BadGuard) as refused:
        parsed(text)

    assert repr(text) in refused.value.message
    assert "price-drop" in refused.value.advice
    assert refused.value.exit_code == 2


def test_a_rule_given_takes_the_place_of_a_configured_one_of_its_name() -> None:
    found = combined(["created<=10", "price-drop<=30%"], ["created<=100", "created<=5%"])

    assert [guard.rule for guard in found] == ["price-drop<=30%", "created<=100", "created<=5%"]


@pytest.mark.parametrize(
    ("before", "key", "expected"),
    [
        ({EUR: (100, None)}, EUR, 100),
        ({EUR: (100, None)}, ("USD", "default", 1, 0), None),
        ({EUR: (100, None)}, ("EUR", "wholesale", 1, 0), None),
        ({EUR: (100, None)}, ("EUR", "default", 10, 0), None),
        ({EUR: (100, None)}, ("EUR", "default", 1, 50), 100),
        ({EUR: (100, None), ("EUR", "default", 1, 40): (90, None)}, ("EUR", "default", 1, 50), 90),
        ({("EUR", "default", 1, 40): (90, None)}, EUR, 90),
        ({}, EUR, None),
    ],
)
def test_which_price_a_new_one_is_compared_with(before: Any, key: Any, expected: int | None) -> None:
    assert replaced_price(before, key) == expected


def test_how_far_an_amount_moves() -> None:
    assert moved(200, 150) == -25
    assert moved(300, 400) == Fraction(100, 3)
    assert moved(0, 1) > 100_000
    assert moved(0, 0) > 0  # never asked: an amount that stays is not compared


def test_a_drop_of_exactly_the_limit_holds_and_a_cent_more_breaks_it() -> None:
    measure = PriceMeasure("price-drop", Fraction(30))
    measure.row(repriced({EUR: (1000, None)}, {EUR: (700, None)}))
    assert (measure.count, measure.largest) == (0, 30)

    measure.row(repriced({EUR: (1000, None)}, {EUR: (699, None)}, "B"))

    assert measure.count == 1
    assert [tuple(each) for each in measure.offenders()] == [("B", "10.00 EUR", "6.99 EUR", "-30.1 %")]


def test_the_worst_ten_are_kept_the_worst_first() -> None:
    measure = PriceMeasure("price-drop", Fraction(0))
    for number in (5, 40, 1, 99, 20, 7, 3, 88, 60, 2, 70, 10, 30):
        measure.row(repriced({EUR: (100, None)}, {EUR: (100 - number, None)}, f"S{number}"))

    assert measure.count == 13
    assert [each.sku for each in measure.offenders()] == [f"S{n}" for n in (99, 88, 70, 60, 40, 30, 20, 10, 7, 5)]


def test_a_product_counts_once_by_its_worst_price() -> None:
    measure = PriceMeasure("price-rise", Fraction(10))
    usd = ("USD", "default", 1, 0)
    measure.row(repriced({EUR: (100, None), usd: (100, None)}, {EUR: (120, None), usd: (150, None)}))

    assert measure.count == 1
    assert measure.offenders()[0].change == "+50 %"


def test_a_price_that_goes_to_nothing_drops_by_all_of_it_and_one_from_nothing_rises_beyond_any_bound() -> None:
    drop, rise = PriceMeasure("price-drop", Fraction(99)), PriceMeasure("price-rise", Fraction(5000))
    for measure in (drop, rise):
        measure.row(repriced({EUR: (100, None)}, {EUR: (0, None)}, "FREE"))
        measure.row(repriced({EUR: (0, None)}, {EUR: (100, None)}, "DEAR"))

    assert [each.sku for each in drop.offenders()] == ["FREE"]
    assert [each.sku for each in rise.offenders()] == ["DEAR"]


def test_a_retirement_by_the_row_itself_is_counted() -> None:
    measure = CountMeasure("retired")
    retired = tuple("retired" if name == "status" else "" for name in COLUMNS)
    measure.row(Outcome(1, "A", 0, Current(1, 1, VALUES), retired, {}, {}, {}, {"status": "active"}))
    measure.row(Outcome(1, "B", 0, Current(1, 1, retired), VALUES, {}, {}, {}, {"status": "retired"}))

    assert (measure.count, measure.worst[0].sku) == (1, "A")


def test_a_share_beyond_a_bound_also_looks_it() -> None:
    assert percent(Fraction(30)) == "30"
    assert percent(Fraction(30_001, 1000)) == "30.01"
    assert percent(Fraction(1_234_567)) == "1234567"
