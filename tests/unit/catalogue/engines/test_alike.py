"""What most of the best hits are is what was looked for."""

from __future__ import annotations

import pytest

from shopctl.catalogue.engines.alike import kind_of, lifted
from shopctl.catalogue.engines.names import head, noun

SCREEN, OTHER_SCREEN, ARM = kind_of("screen", "acme"), kind_of("screen", "zeta"), kind_of("arm", "acme")


def order(*hits: tuple[int, float]) -> list[int]:
    """The kinds of hits in the order of their lifted scores."""
    places = [(number, score) for number, (_, score) in enumerate(hits)]
    return [hits[number][0] for number, _ in lifted(places, lambda best: [hits[number][0] for number in best])]


def test_what_most_hits_are_comes_before_what_was_hardly_better():
    assert order((ARM, 10.1), (SCREEN, 10), (SCREEN, 10)) == [SCREEN, SCREEN, ARM]
    assert order((ARM, 20), (SCREEN, 10), (SCREEN, 10)) == [ARM, SCREEN, SCREEN], "much better stays better"


def test_of_the_same_maker_is_alike_the_more():
    assert order((OTHER_SCREEN, 10.1), (SCREEN, 10), (SCREEN, 10)) == [SCREEN, SCREEN, OTHER_SCREEN]
    assert order((ARM, 10.6), (OTHER_SCREEN, 10), (SCREEN, 10), (SCREEN, 10))[-1] == ARM


def test_nothing_is_alike_for_having_no_noun():
    assert kind_of("", "acme") == 0
    assert order((ARM, 10.1), (0, 10), (0, 10)) == [ARM, 0, 0]


@pytest.mark.parametrize("equal", [1, 30, 60, 200])
def test_equally_good_hits_are_lifted_all_or_none(equal):
    hits = [(number, 20.0 - number / 100) for number in range(49)] + [(100 + number, 5.0) for number in range(equal)]

    again = lifted(hits, lambda best: [SCREEN] * len(best))

    assert [place for place, _ in again] == [place for place, _ in hits]
    assert len({score for place, score in again if place >= 100}) == 1
    assert again[0][1] == pytest.approx(20.0 * 1.4)


def test_no_hit_and_a_single_one_stay_as_they_are():
    assert lifted([], lambda best: [SCREEN] * len(best)) == []
    assert lifted([("a", 3.0)], lambda best: [SCREEN] * len(best)) == [("a", 3.0)]


@pytest.mark.parametrize(
    ("name", "language", "wanted"),
    [
        ("Oak shelf with drawers, 60 cm", "english", "shelf"),
        ("Lampe de table", "french", "Lampe"),
        ("3000", "english", ""),
    ],
)
def test_the_noun_is_the_last_word_of_what_the_name_says_first(name, language, wanted):
    assert noun(head(name, language), language) == wanted
