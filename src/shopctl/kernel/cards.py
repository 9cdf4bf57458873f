"""Finding payment card numbers in text: issuer range (ISO/IEC 7812-1) and check digit (Luhn)."""

from __future__ import annotations

from collections.abc import Iterator

# Issuer identification numbers as (first, last, lengths), from the card networks' published ranges.
_RANGES: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("2200", "2204", (16, 17, 18, 19)),  # Mir
    ("2221", "2720", (16,)),  # Mastercard
    ("300", "305", (14, 15, 16, 17, 18, 19)),  # Diners Club
    ("34", "34", (15,)),  # American Express
    ("3528", "3589", (16, 17, 18, 19)),  # JCB
    ("36", "36", (14, 15, 16, 17, 18, 19)),  # Diners Club
    ("37", "37", (15,)),  # American Express
    ("38", "39", (14, 15, 16, 17, 18, 19)),  # Diners Club
    ("4", "4", (13, 16, 19)),  # Visa
    ("50", "50", (13, 14, 15, 16, 17, 18, 19)),  # Maestro
    ("51", "55", (16,)),  # Mastercard
    ("56", "58", (13, 14, 15, 16, 17, 18, 19)),  # Maestro
    ("6011", "6011", (16, 17, 18, 19)),  # Discover
    ("62", "62", (16, 17, 18, 19)),  # UnionPay
    ("63", "63", (16, 17, 18, 19)),  # Maestro
    ("644", "659", (16, 17, 18, 19)),  # Discover
    ("67", "67", (16, 17, 18, 19)),  # Maestro
    ("8", "8", (16,)),  # UnionPay, RuPay
)

SHORTEST, LONGEST = 13, 19
MASKED = "[card number]"
_SEPARATORS = " -"


def is_card_number(digits: str) -> bool:
    """Whether these digits, without separators, are a number an issuer could have given out."""
    return _issued(digits) and _luhn(digits)


def find_card_numbers(text: str) -> Iterator[tuple[int, int]]:
    """The (start, end) of every card number in the text; its digits may stand in groups, `4111 1111 1111 1111`."""
    position = 0
    while position < len(text):
        if not _digit(text[position]):
            position += 1
            continue
        places = [position]
        position += 1
        while position < len(text):
            if _digit(text[position]):
                places.append(position)
            elif not (text[position] in _SEPARATORS and position + 1 < len(text) and _digit(text[position + 1])):
                break
            position += 1
        if len(places) >= SHORTEST:
            yield from _within(text, places)


def without_card_numbers(text: str) -> str:
    """The text with `MASKED` in the place of every card number."""
    parts, position = [], 0
    for start, end in find_card_numbers(text):
        parts += [text[position:start], MASKED]
        position = end
    return "".join([*parts, text[position:]])


def _within(text: str, places: list[int]) -> Iterator[tuple[int, int]]:
    """The card numbers in one run of digits; each must begin and end where a group of digits does."""
    first = 0
    while first <= len(places) - SHORTEST:
        if first == 0 or places[first - 1] != places[first] - 1:
            for length in range(min(LONGEST, len(places) - first), SHORTEST - 1, -1):
                last = first + length - 1
                ends_group = last == len(places) - 1 or places[last + 1] != places[last] + 1
                if ends_group and is_card_number("".join(text[place] for place in places[first : last + 1])):
                    yield places[first], places[last] + 1
                    first = last
                    break
        first += 1


def _digit(character: str) -> bool:
    return "0" <= character <= "9"


def _issued(digits: str) -> bool:
    return any(len(digits) in lengths and first <= digits[: len(first)] <= last for first, last, lengths in _RANGES)


def _luhn(digits: str) -> bool:
    total = sum(int(digit) for digit in digits[-1::-2])
    total += sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return total % 10 == 0
