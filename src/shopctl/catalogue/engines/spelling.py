"""Which of the known words is most like one that is not known."""

from __future__ import annotations

from collections.abc import Iterable


def nearest_of(word: str, known: Iterable[tuple[str, int]]) -> str | None:
    """The known word with the fewest mistakes in it, among equals the most frequent; None when none is like it.

    One mistake is allowed in a word of three or four letters, two in longer ones; words with digits are left alone:
    another number is not a better spelling.
    """
    allowed = 0 if len(word) < 3 else 1 if len(word) < 5 else 2
    if not allowed or not word.isalpha():
        return None
    best: tuple[int, int, str] | None = None
    for other, count in known:
        if abs(len(other) - len(word)) > allowed or not other.isalpha():
            continue
        mistakes = distance(word, other, allowed)
        if mistakes <= allowed and (best is None or (mistakes, -count, other) < best):
            best = (mistakes, -count, other)
    return best and best[2]


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
