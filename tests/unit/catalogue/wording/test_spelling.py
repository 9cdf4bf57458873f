"""Which words may have been meant by one that the index does not have."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from shopctl.catalogue.wording.spelling import distance, likely, one_away


class Words:
    """A vocabulary with a frequency for each word."""

    def __init__(self, **known: int) -> None:
        self.known = known

    def frequency(self, word: str) -> int:
        return self.known.get(word, 0)

    def beginning(self, start: str, limit: int) -> Sequence[tuple[str, int]]:
        return [pair for pair in self.known.items() if pair[0].startswith(start)][:limit]


@pytest.mark.parametrize(
    ("one", "other", "mistakes"),
    [
        ("mug", "mug", 0),
        ("mug", "mugs", 1),
        ("bukcet", "bucket", 1),
        ("kettel", "kettle", 1),
        ("red", "blue", 4),
        ("", "ab", 2),
    ],
)
def test_mistakes_are_counted(one, other, mistakes):
    assert distance(one, other, 5) == mistakes
    assert distance(other, one, 5) == mistakes


def test_one_away_is_all_that_one_mistake_can_make():
    found = list(one_away("mug"))

    assert len(found) == len(set(found))
    assert {"mugs", "mag", "mg", "umg", "mgu", "amug"} <= set(found)
    assert all(distance("mug", other, 2) == 1 for other in found)


def test_the_most_frequent_of_the_fewest_mistakes_comes_first():
    words = Words(kettle=5, nettle=9, settle=9, kettles=1, cattle=80)

    assert [one.word for one in likely("ketle", words)] == ["kettle"]
    assert [one.word for one in likely("pettle", words)] == ["nettle", "settle", "kettle"]
    assert [one.word for one in likely("ettle", words)] == ["nettle", "settle", "kettle"], "the first letter too"
    assert [(one.word, one.mistakes) for one in likely("kattlee", words)] == [("kettle", 2), ("kettles", 2)]
    assert likely("zzzzzz", words) == []


def test_short_words_and_numbers_are_left_alone():
    assert likely("ab", Words(abc=1)) == []
    assert likely("a100", Words(a101=1)) == []
    assert likely("mugg", Words(mag=1)) == [], "four letters hold no two mistakes"
