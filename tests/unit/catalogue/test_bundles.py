"""Which bundles hold themselves."""

from __future__ import annotations

import pytest

from shopctl.catalogue.bundles import circular, completed


@pytest.mark.parametrize(
    ("holds", "found"),
    [
        ({}, ""),
        ({"A": "BC", "B": "C"}, ""),
        ({"A": "A"}, "A"),
        ({"A": "B", "B": "A", "X": "A", "B2": "P"}, "AB"),
        ({"A": "B", "B": "C", "C": "AD", "D": "E", "X": "AE"}, "ABC"),
        ({"A": "AX", "X": "B", "B": "B"}, "AXB"),  # X leads from one circle into another
    ],
)
def test_circles_are_found_and_what_leads_to_or_from_them_is_not(holds: dict[str, str], found: str) -> None:
    assert circular(holds) == set(found)


def test_a_long_chain_takes_no_recursion() -> None:
    chain = {str(number): [str(number + 1)] for number in range(50_000)}
    assert circular(chain) == set()
    assert len(circular({**chain, "50000": ["0"]})) == 50_001


def test_what_is_held_is_looked_up_once_each() -> None:
    shop = {"B": ["C", "D"], "C": ["B"], "D": ["E"]}
    asked: list[str] = []

    def look_up(skus: list[str]) -> dict[str, list[str]]:
        asked.extend(skus)
        return {sku: shop[sku] for sku in skus if sku in shop}

    assert set(completed({"A": ["B"]}, look_up)) == set("ABCDE")
    assert sorted(asked) == list("BCDE")
