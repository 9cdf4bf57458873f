"""JSON numbers as they were written, so that money is read from their digits."""

from __future__ import annotations

from decimal import Decimal

_MOST_DIGITS = 40


class Exact(float):
    """A JSON number with decimals that remembers how it was written; its text is what stood there."""

    def __new__(cls, text: str) -> Exact:
        self = super().__new__(cls, text)
        self.text = _without_exponent(text) if "e" in text or "E" in text else text
        return self

    text: str

    def __str__(self) -> str:
        return self.text


def _without_exponent(text: str) -> str:
    """1E+2 is 100, as JSON has it (RFC 8259); what would take more digits than any amount stays as it is."""
    number = Decimal(text)
    return format(number, "f") if abs(number.adjusted()) < _MOST_DIGITS and len(text) < _MOST_DIGITS else text
