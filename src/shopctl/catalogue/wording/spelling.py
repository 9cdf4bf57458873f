"""Which of the index's own words may have been meant by one that it does not have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_CANDIDATES = 5000  # words that begin alike, looked through for two mistakes
_SHORTEST = 3
_TWO_MISTAKES = 5  # letters of a word that may hold two
_MOST = 5


class Vocabulary(Protocol):
    """The words of an index."""

    def frequency(self, word: str) -> int:
        """How many products have it."""

    def beginning(self, start: str, limit: int) -> Sequence[tuple[str, int]]:
        """Words that begin so, each with its frequency."""


class Likely(NamedTuple):
    """A word that may have been meant, how often the catalogue has it, and how many mistakes that would be."""

    word: str
    frequency: int
    mistakes: int


def likely(word: str, vocabulary: Vocabulary) -> list[Likely]:
    """The words most like this one, the most frequent first: those one mistake away, if there are none those with two.

    A mistake is a letter added, dropped, changed or swapped with its neighbour. Words with digits are left alone:
    another number is not a better spelling. One mistake is found by trying each (Norvig 2007), whatever the size of
    the vocabulary; two by looking through the words that begin alike.
    """
    if len(word) < _SHORTEST or not word.isalpha():
        return []
    found = [Likely(other, count, 1) for other in one_away(word) if (count := vocabulary.frequency(other))]
    if not found and (len(word) >= _TWO_MISTAKES or not word.isascii()):
        found = _two_away(word, vocabulary)
    found.sort(key=lambda one: (one.mistakes, -one.frequency, one.word))
    return found[:_MOST]


def one_away(word: str) -> Iterator[str]:
    """Every text of letters one mistake away, of two letters or more."""
    letters = "".join(dict.fromkeys(_LETTERS + word))
    seen = {word}
    pairs = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    for head, tail in pairs:
        tries = [head + letter + tail for letter in letters]
        if tail:
            tries += [head + tail[1:], *(head + letter + tail[1:] for letter in letters)]
        if len(tail) > 1:
            tries.append(head + tail[1] + tail[0] + tail[2:])
        for text in tries:
            if len(text) > 1 and text not in seen:
                seen.add(text)
                yield text


def distance(one: str, other: str, limit: int) -> int:
    """Letters added, dropped, changed or swapped between two words; any number above `limit` means too many.

    The optimal string alignment distance (Damerau 1964).
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        previous, before, row = before, row, [i]
        for j, wanted in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, previous[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return row[-1]


def _two_away(word: str, vocabulary: Vocabulary) -> list[Likely]:
    # Nobody mistypes the first letter often, and the words that begin with the first two are few.
    for start in (word[:2], word[:1]):
        found = [
            Likely(other, count, mistakes)
            for other, count in vocabulary.beginning(start, _CANDIDATES)
            if abs(len(other) - len(word)) <= 2
            and other.isalpha()
            and len(set(word) - set(other)) <= 2
            and (mistakes := distance(word, other, 2)) <= 2
        ]
        if found:
            return found
    return []
