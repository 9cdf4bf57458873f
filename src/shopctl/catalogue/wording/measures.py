"""Measures and model numbers: `60 inch`, `60"` and `60in` are one measure, `XJ-9000` and `xj9000` one model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from shopctl.catalogue.ports import Place, Way

_UNITS = (
    ('"', "in", "inch", "inches", "″", "”", "''", "zoll", "pouces"),
    ("'", "ft", "foot", "feet", "′"),
    ("mm", "millimeter", "millimeters", "millimetre", "millimetres"),
    ("cm", "centimeter", "centimeters", "centimetre", "centimetres"),
    ("m", "meter", "meters", "metre", "metres"),
    ("km", "kilometer", "kilometers", "kilometre", "kilometres"),
    ("mg", "milligram", "milligrams"),
    ("g", "gr", "gram", "grams", "gramm"),
    ("kg", "kilo", "kilos", "kilogram", "kilograms"),
    ("oz", "ounce", "ounces"),
    ("lb", "lbs", "pound", "pounds"),
    ("ml", "milliliter", "milliliters", "millilitre", "millilitres"),
    ("cl", "centiliter", "centilitre"),
    ("l", "liter", "liters", "litre", "litres"),
    ("gal", "gallon", "gallons"),
    ("mb", "megabyte", "megabytes"),
    ("gb", "gigabyte", "gigabytes", "gig"),
    ("tb", "terabyte", "terabytes"),
    ("hz", "hertz"),
    ("mhz", "megahertz"),
    ("ghz", "gigahertz"),
    ("mp", "megapixel", "megapixels"),
    ("w", "watt", "watts"),
    ("kw", "kilowatt", "kilowatts"),
    ("v", "volt", "volts"),
    ("a", "amp", "amps", "ampere", "amperes"),
    ("mah", "milliamp", "milliamps"),
    ("h", "hr", "hrs", "hour", "hours"),
    ("min", "minute", "minutes"),
    ("pc", "pcs", "piece", "pieces", "pack"),
)
_BY_SPELLING = {spelling: unit for unit in _UNITS for spelling in unit}
_SPELLINGS = "|".join(re.escape(one) for one in sorted(_BY_SPELLING, key=len, reverse=True))
# Long digits are no measure, and bounded repetition keeps hostile text cheap.
_MEASURE = re.compile(rf"(?<![\w.,])(\d{{1,7}}(?:[.,]\d{{1,4}})?)(\s?-?\s?)({_SPELLINGS})(?!\w)", re.IGNORECASE)
_PIECES = re.compile(r"\d+|[^\W\d_]+")
_MOST_PIECES = 4
_FUSED, _APART, _BARE, _MODEL = 1.0, 1.0, 0.7, 0.9


class Found(NamedTuple):
    """A measure in a text: where it stands, and its place in the question."""

    start: int
    end: int
    place: Place


def measures(text: str, words: Callable[[str], Sequence[str]]) -> Iterator[Found]:
    """The measures of a text, in order. `words` makes a text into the words that are looked up."""
    for match in _MEASURE.finditer(text):
        number, gap, spelling = match[1], match[2], match[3].lower()
        if spelling in ("a", "in") and gap:
            continue  # "2 in 1", "1 a day"
        unit = _BY_SPELLING[spelling]
        figures = tuple(words(number.replace(",", ".")))
        ways = [Way((*figures, each), _APART) for each in unit if each.isalpha()]
        if len(figures) == 1:
            ways += [Way((figures[0] + each,), _FUSED) for each in unit if each.isalpha()]
        else:
            ways += [Way((*figures[:-1], figures[-1] + each), _FUSED) for each in unit if each.isalpha()]
        if not all(each.isalpha() for each in unit):
            ways.append(Way(figures, _BARE))  # of 60" only the number is a word
        yield Found(match.start(), match.end(), Place(tuple(ways)))


def model(word: str) -> Way | None:
    """A word of letters and digits as its pieces side by side: `xj9000` as `xj 9000`; None for any other word."""
    pieces = tuple(_PIECES.findall(word))
    if not 1 < len(pieces) <= _MOST_PIECES or "".join(pieces) != word:
        return None
    return Way(pieces, _MODEL, phrase=True)
