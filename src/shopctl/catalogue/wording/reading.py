"""A text that somebody typed as the places of a question, each with the ways in which a product may meet it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import log
from typing import NamedTuple

from shopctl.catalogue.ports import Index, Place, Way
from shopctl.catalogue.wording.measures import measures, model
from shopctl.catalogue.wording.spelling import likely
from shopctl.catalogue.wording.stop_words import stop_words
from shopctl.catalogue.wording.synonyms import Synonyms

_LONGEST = 2000  # characters of a text
_MOST = 32  # words of a text; the rest is left out
_PHRASE = re.compile(r'(?<!\S)["“„«]([^"“”„«»]{1,200})["“”»](?!\w)')

# What another way than the very word is worth.
_JOINED, _SPLIT, _COMPLETED, _SYNONYM = 0.45, 0.8, 0.9, 0.4  # two places share a joined word
_MEANT = (0.95, 0.6, 0.4)  # a mistyped word's likeliest, and those after it
_BOLD = 0.7  # a likelier word in the place of one that is known
_FREQUENT = 100  # so many products with a word: enough without those where it only begins
_RARE = 20  # products with a word that may have been meant as two
_BOLDLY = 5  # times as frequent
_LONG_NAME = 4  # words of a name with synonyms


class Reading(NamedTuple):
    """The places of a text, and each as it was typed; `unknown` are those that no product can meet."""

    places: tuple[Place, ...]
    typed: tuple[str, ...]
    unknown: tuple[str, ...]
    corrected: str | None  # the text with mistyped words put right; None when none was


class _Part(NamedTuple):
    typed: str
    place: Place | None  # None: a plain word


def read(text: str, index: Index, synonyms: Synonyms, language: str, *, bold: bool = False) -> Reading:
    """Read a text with the words of an index. Never raises for a text, however odd.

    `bold` takes a word that the index has for a mistake too, when a likelier one is at hand.
    """
    text = text[:_LONGEST]
    parts = list(_parts(text, index))[:_MOST]
    small = stop_words(language)
    typed = [part.typed for part in parts]
    if all(part.place is None and part.typed in small for part in parts):
        small = frozenset()
    words = _Words(parts, index, synonyms, small, open_end=not text[-1:].isspace(), bold=bold)
    ways = [words.ways(number) for number in range(len(parts))]
    places = tuple(
        part.place or Place(tuple(found), part.typed not in small) for part, found in zip(parts, ways, strict=True)
    )
    put_right = [words.corrections.get(number, word) for number, word in enumerate(typed)]
    return Reading(
        places,
        tuple(typed),
        tuple(typed[number] for number in sorted(words.unknown)),
        " ".join(put_right) if words.corrections else None,
    )


def _parts(text: str, index: Index) -> Iterator[_Part]:
    """Phrases in quotes, measures, and words; a word that comes again is not repeated."""
    seen: set[str] = set()
    end = 0
    for match in [*_PHRASE.finditer(text), None]:
        until = match.start() if match else len(text)
        for part in _loose_parts(text[end:until], index):
            if part.typed not in seen:
                seen.add(part.typed)
                yield part
        if match:
            end = match.end()
            if words := tuple(index.words(match[1])):
                yield _Part(f'"{" ".join(words)}"', Place((Way(words, phrase=True),)))


def _loose_parts(text: str, index: Index) -> Iterator[_Part]:
    end = 0
    for found in measures(text, index.words):
        yield from (_Part(word, None) for word in index.words(text[end : found.start]))
        yield _Part(text[found.start : found.end].lower(), found.place)
        end = found.end
    yield from (_Part(word, None) for word in index.words(text[end:]))


class _Words:
    """The plain words of a text, among their neighbours."""

    def __init__(
        self,
        parts: Sequence[_Part],
        index: Index,
        synonyms: Synonyms,
        small: frozenset[str],
        *,
        open_end: bool,
        bold: bool,
    ) -> None:
        self._words = [part.typed if part.place is None else "" for part in parts]  # "": no plain word
        self._index = index
        self._synonyms = synonyms
        self._small = small
        self._open_end = open_end
        self._bold = bold
        self._renamed = self._other_names()
        self.corrections: dict[int, str] = {}
        self.unknown: set[int] = set()

    def ways(self, number: int) -> list[Way]:
        """How a product may meet the word of this number."""
        word = self._words[number]
        if not word:
            return []
        frequency = self._index.frequency(word)
        others = [*self._joined(number), *self._split(word, frequency), *self._renamed.get(number, ())]
        last = self._open_end and number == len(self._words) - 1 and len(word) > 1
        if last and frequency < _FREQUENT:
            others += self._begun(word, frequency)
        if not frequency and not others and not self._index.knows(word):
            others = self._meant(number)
            if not others:
                self.unknown.add(number)
        elif self._bold and frequency and len(word) > 3 and word not in self._small:
            others += self._meant(number, at_least=_BOLDLY * frequency)
        return [Way((word,)), *others]

    def _joined(self, number: int) -> Iterator[Way]:
        """`book shelf` may be written `bookshelf`."""
        for first in (number - 1, number):
            if first >= 0 and first + 1 < len(self._words):
                one, other = self._words[first : first + 2]
                if one and other and self._index.frequency(one + other):
                    yield Way((one + other,), _JOINED)

    def _split(self, word: str, frequency: int) -> Iterator[Way]:
        """`bookshelf` may be written `book shelf`, and `xj9000` as `xj 9000`."""
        if (apart := model(word)) is not None:
            if self._index.together(apart.words):
                yield apart
        elif len(word) > 5 and frequency < _RARE and word.isalpha():
            halves = [(word[:place], word[place:]) for place in range(3, len(word) - 2)]
            known = [pair for pair in halves if all(map(self._index.frequency, pair))]
            yield from (Way(pair, _SPLIT, phrase=True) for pair in known if self._index.together(pair))

    def _begun(self, word: str, frequency: int) -> Iterator[Way]:
        """The last word may not be typed to its end."""
        if not frequency:
            ends = self._index.beginning(word, len(_MEANT))
            yield from (Way((end,), _COMPLETED) for end, _ in ends)
            if not ends:
                return
        yield Way((word,), begins=True)

    def _other_names(self) -> dict[int, list[Way]]:
        """By place: synonyms of names that it is part of."""
        found: dict[int, list[Way]] = {}
        for first in range(len(self._words)):
            for last in range(first + 1, min(first + _LONG_NAME, len(self._words)) + 1):
                name = tuple(self._words[first:last])
                if not all(name):
                    break
                for other in self._synonyms.of(name, self._index.words, self._index.stem):
                    if all(map(self._index.knows, other)):
                        for place in range(first, last):
                            found.setdefault(place, []).append(Way(other, _SYNONYM, phrase=len(other) > 1))
        return found

    def _meant(self, number: int, at_least: int = 0) -> list[Way]:
        """What a mistyped word may have been meant to be: frequent words, and those that stand beside a neighbour."""
        before = self._words[number - 1] if number else ""
        after = self._words[number + 1] if number + 1 < len(self._words) else ""
        scores: dict[str, float] = {}
        for one in likely(self._words[number], self._index):
            if one.word in self._small or one.frequency < at_least:
                continue
            beside = (before and self._index.together((before, one.word))) or (
                after and self._index.together((one.word, after))
            )
            scores[one.word] = log(1 + one.frequency) + (4.0 if beside else 0.0)
        best = sorted(scores, key=lambda word: (-scores[word], word))[: len(_MEANT)]
        if best:
            self.corrections[number] = best[0]
        worth = (_BOLD, _BOLD / 2, _BOLD / 4) if at_least else _MEANT
        return [Way((word,), weight) for word, weight in zip(best, worth, strict=False)]
