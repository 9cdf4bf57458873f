"""The cheapest way to build a password: of words, names, sayings, walks, dates and repetitions, letters for the rest.

A second estimate beside zxcvbn's, which takes every word beyond the third for ten thousand guesses, knows
two keyboards, and counts any letter alike: here "cheese sweet flip 00" is three words and a number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from math import log10
from typing import Literal

from shopctl.auth.keyboards import unshifted, walks
from shopctl.auth.sayings import SAYINGS
from shopctl.auth.vocabulary import letter, vocabulary

PIECE = 64  # characters that are looked at together
_LONGEST_WORD = 48
# Powers of ten. A word counts for a thousand guesses at the least, so that four random ones, or three set apart, be
# they the most common, always reach what is asked for.
_WORD, _WORD_LETTER, _KNOWN, _SAYING = 3.0, 0.75, 1.0, 2.0
_DISGUISED = 0.5  # l33t
_DIGIT, _SIGN, _SEPARATOR = 1.0, 1.8, 0.5
_RUN, _RUN_STEP = 1.3, 0.1  # aaaa, 1234, dcba
_YEAR, _DATE, _TELEPHONE, _ENDING = 1.9, 4.0, 6.5, 1.0
_AGAIN, _SHORT_AGAIN, _BACKWARDS = 1.5, 2.0, 0.2
_SMALL = 1.0  # a small word of a sentence
_STREWN = 1.5  # for digits strewn between letters
_HOST = 1.0  # for what stands behind the @ of an address
_SMALL_WORDS = frozenset(
    """a i am an as at be by do go he if in is it me my no of oh on or so to up us we all and any are but can did for
    get got had has her him his how its let not now one our out she the too was who why you""".split()
)
_ENDS = " -_.,:;/+@&'!?#*()\t"
_PLAIN = str.maketrans("013457@$!|+", "oieastasilt")
_BETWEEN = re.compile(r"(?<=[^\W_])[\s\-_.,:;/+&]{1,3}(?=[^\W_])")
_ADDRESS = re.compile(r"([\w.+-]+)@[\w-]+(?:\.[\w-]+)+")
_DATES = (
    r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])",
    r"(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:19|20)\d\d",
    r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:19|20)\d\d",
    r"(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d\d",
    r"\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])",
    r"(?:0?[1-9]|[12]\d|3[01])[-./](?:0?[1-9]|[12]\d|3[01])[-./](?:19|20)?\d\d",
    r"(?:19|20)\d\d[-./](?:0?[1-9]|1[0-2])[-./](?:0?[1-9]|[12]\d|3[01])",
)
_NUMBERS = [
    *((re.compile(date), _DATE) for date in _DATES),
    (re.compile(r"(?:19|20)\d\d"), _YEAR),
    (re.compile(r"\d{7,}"), _TELEPHONE),
    (re.compile(r"(?:1|12|123|1234|12345|0?1|007|00|11|69|99|100|101|321|666|777|20[12]\d)[!?.]{0,2}$"), _ENDING),
]
_HEXADECIMAL = re.compile(r"(?=\d+[a-f]+\d|[a-f]+\d+[a-f])[0-9a-f]+")


Manner = Literal["any", "spoken", "strewn"]
"""How to read a text: `spoken`, of nothing but words and what stands around them; `strewn`, without words and dates."""


def cheapest(text: str, known: Collection[str] = ()) -> float:
    """The power of ten of the guesses for a text in lower case; `known` are words that the attacker begins with.

    Nothing but digits is taken for what it mostly is: a telephone number, dates, a count. It takes no guessing at all.
    """
    if not text or all(each.isdigit() or each in _ENDS for each in text):
        return 0.0
    if found := _ADDRESS.fullmatch(text):
        return _HOST + cheapest(found[1], known)
    bare = "".join(map(_unaccented, text))
    squeezed, separators = _BETWEEN.subn("", bare)
    apart = _SEPARATOR * separators
    ways = [
        _pieces(bare, known, "any"),
        _pieces(squeezed, known, "any") + apart,
        _pieces(squeezed, known, "spoken") + apart,
    ]
    letters = "".join(filter(str.isalpha, squeezed))
    digits = "".join(filter(str.isdigit, squeezed))
    if letters and digits:
        signs = _SIGN * (len(squeezed) - len(letters) - len(digits))
        strewn = _pieces(letters, known, "any") + _pieces(digits, known, "strewn")
        ways.append(strewn + signs + apart + _STREWN)
    return min(ways)


def _unaccented(this: str) -> str:
    base = unicodedata.normalize("NFKD", this)[:1]
    return base if base.isascii() else this


def _pieces(text: str, known: Collection[str], manner: Manner) -> float:
    unit = text[: (text + text).find(text, 1)]
    starts = range(0, len(unit), PIECE)
    return log10(len(text) / len(unit)) + sum(_cheapest(unit[at : at + PIECE], known, manner) for at in starts)


def _cheapest(text: str, known: Collection[str], manner: Manner) -> float:
    """The least sum over all ways to cut the text into parts."""
    if manner == "any" and _HEXADECIMAL.fullmatch(text):  # random bytes: words and dates are in them by chance
        manner = "strewn"
    least = [0.0] + [float("inf")] * len(text)
    keys, plain = unshifted(text), text.translate(_PLAIN)
    for start in range(len(text)):
        if least[start] == float("inf"):
            continue
        for length, cost in _parts(text, plain, keys, start, known, manner):
            least[start + length] = min(least[start + length], least[start] + cost)
    return least[-1]


def _parts(
    text: str, plain: str, keys: str, start: int, known: Collection[str], manner: Manner
) -> Iterator[tuple[int, float]]:
    """What may begin here: the length of each part and its power of ten."""
    if manner != "spoken" or not text[start].isalpha():
        yield 1, _character(text, start)
    yield from walks(keys, start)
    yield from _runs(text, start)
    yield from _repetitions(text, start)
    if manner == "strewn":
        return
    yield from _words(text, plain, start, known)
    if manner == "spoken":
        yield from _glue(text, start)
    for pattern, cost in _NUMBERS if text[start].isdigit() else ():
        if found := pattern.match(text, start):
            yield found.end() - start, cost


def _character(text: str, at: int) -> float:
    this = text[at]
    if this.isalpha():
        return letter(text[at - 2] if at > 1 else "", text[at - 1] if at else "", this)
    if this.isdigit():
        return _DIGIT
    at_an_end = at in (0, len(text) - 1) and this in _ENDS
    return _SEPARATOR if at_an_end else _SIGN


def _words(text: str, plain: str, start: int, known: Collection[str]) -> Iterator[tuple[int, float]]:
    ranks = vocabulary().ranks
    for length in range(2, min(_LONGEST_WORD, len(text) - start) + 1):
        for word, more in {plain[start : start + length]: _DISGUISED, text[start : start + length]: 0.0}.items():
            if word in known:
                yield length, _KNOWN + more
            elif word in SAYINGS:
                yield length, _SAYING + more
            elif (rank := ranks.get(word)) and (length > 3 or word.isalpha()):
                yield length, max(log10(rank + 1), min(_WORD, _WORD_LETTER * length)) + more


def _glue(text: str, start: int) -> Iterator[tuple[int, float]]:
    """The small words of a sentence; not two that are one word, as in `theme`: that may be a random one."""
    ranks = vocabulary().ranks
    for end in range(start + 1, min(start + 3, len(text)) + 1):
        if text[start:end] in _SMALL_WORDS and not any(
            (text[before:start] in _SMALL_WORDS and text[before:end] in ranks)
            or (text[end:after] in _SMALL_WORDS and text[start:after] in ranks)
            for before, after in ((start - length, end + length) for length in (1, 2, 3))
            if before >= 0 or after <= len(text)
        ):
            yield end - start, _SMALL


def _runs(text: str, start: int) -> Iterator[tuple[int, float]]:
    for step in (0, 1, -1):
        end = start + 1
        while end < len(text) and ord(text[end]) - ord(text[end - 1]) == step:
            end += 1
            if end - start >= 3:
                yield end - start, _RUN + _RUN_STEP * (end - start - 3)


def _repetitions(text: str, start: int) -> Iterator[tuple[int, float]]:
    """What stood before already, forwards or backwards."""
    for length in range(3, len(text) - start + 1):
        part = text[start : start + length]
        again = _SHORT_AGAIN if length == 3 else _AGAIN
        if text.find(part, 0, start) >= 0:
            yield length, again
        elif text.find(part[::-1], 0, start) >= 0:
            yield length, again + _BACKWARDS
        else:
            return
