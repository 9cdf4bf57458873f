"""Reads numbers as people write them: thousands separators, decimal commas, currency signs; exact, as text."""

from __future__ import annotations

import re
from collections.abc import Iterable

from shopctl.kernel.money import EXPONENTS

SIGNS = {
    "€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "₹": "INR", "₩": "KRW", "₽": "RUB", "₺": "TRY", "₴": "UAH",
    "₫": "VND", "₪": "ILS", "฿": "THB", "₱": "PHP", "₦": "NGN", "zł": "PLN", "kč": "CZK", "ft": "HUF", "lei": "RON",
    "fr.": "CHF", "r$": "BRL", "us$": "USD", "a$": "AUD", "c$": "CAD", "hk$": "HKD", "nz$": "NZD", "s$": "SGD",
    "nt$": "TWD", "euro": "EUR", "kr": "SEK", "kr.": "DKK",
}  # fmt: skip
# One sign, several currencies: the row's own currency decides, the table above only where there is none.
SHARED_SIGNS = {
    "$": {
        "USD",
        "AUD",
        "CAD",
        "NZD",
        "SGD",
        "HKD",
        "MXN",
        "TWD",
        "ARS",
        "CLP",
        "COP",
        "BBD",
        "BSD",
        "FJD",
        "JMD",
        "TTD",
        "XCD",
    },
    "£": {"GBP", "EGP", "GIP", "FKP", "SHP", "SYP", "SSP", "LBP"},
    "¥": {"JPY", "CNY"},
    "kr": {"SEK", "NOK", "DKK", "ISK"},
    "kr.": {"SEK", "NOK", "DKK", "ISK"},
}

_CELL = re.compile(r"([^0-9.,]*)([.,]?[0-9](?:[0-9.,'’\s]*[0-9])?)([^0-9.,]*)")
_SPACED = re.compile(r"[0-9]{1,3}(?:[\s'’][0-9]{3})+(?:[.,][0-9]+)?")
_GROUPS = re.compile(r"[0-9]{1,3}(?:[.,][0-9]{2,3})*[.,][0-9]{3}")  # two digits: the Indian lakh, 1,23,456
_NO_CENTS = re.compile(r"(?<=[0-9])([.,])[-–—]{1,2}(?=[^0-9.,]*$)")  # 12,– and 12.-- on German and Swiss price tags
_MINUS = "-−–"


class NotANumber(ValueError):
    """The text is not a number as people write it."""


def number(text: str, decimal: str = "", exponent: int = 2) -> tuple[str, str]:
    """The plain decimal in `text` ("-1234.56") and what stood beside it ("€", "eur", "").

    Where both separators occur the last one is the decimal separator; one that occurs several times separates
    thousands. A single one counts as decimal unless exactly three digits follow; then `decimal` (the column's habit)
    decides, and without one "1.234" is a decimal and "1,234" is a thousand. What has three decimals at most or none at
    all (`exponent`) needs no guess.
    Raises NotANumber.
    """
    match = _CELL.fullmatch(_NO_CENTS.sub(r"\g<1>00", text.strip()))
    if match is None:
        raise NotANumber(text)
    before, digits, after = match[1].strip(), match[2], match[3].strip()
    negative = False
    if before.startswith("(") and after.endswith(")"):  # bookkeepers' negative
        negative, before, after = True, before[1:].strip(), after[:-1].strip()
    if before and before[0] in _MINUS:
        negative, before = True, before[1:].strip()
    elif before and before[-1] in _MINUS:
        negative, before = True, before[:-1].strip()
    elif after and after in _MINUS:
        negative, after = True, ""
    before = before.removeprefix("+").removesuffix("+").strip()
    if before and after:
        raise NotANumber(text)
    plain = _plain(digits, decimal, exponent)
    return ("-" + plain if negative else plain), (before or after).casefold()


def _plain(digits: str, decimal: str, exponent: int) -> str:
    if not digits.isdigit() and any(c in "'’" or c.isspace() for c in digits):
        if not _SPACED.fullmatch(digits):
            raise NotANumber(digits)
        whole = re.sub(r"[\s'’]", "", digits)
        return whole.replace(",", ".")
    dots, commas = digits.count("."), digits.count(",")
    if not dots and not commas:
        return digits
    last = "." if digits.rfind(".") > digits.rfind(",") else ","
    head, _, tail = digits.rpartition(last)
    other = "," if last == "." else "."
    if dots and commas:
        if last in head or not _GROUPS.fullmatch(head):
            raise NotANumber(digits)
        return head.replace(other, "") + "." + tail
    if dots + commas > 1:
        if not _GROUPS.fullmatch(digits):
            raise NotANumber(digits)
        return digits.replace(last, "")
    if _ambiguous(head, tail):
        if not exponent:  # yen and pieces have no decimals
            return head + tail
        is_decimal = last == decimal if decimal else last == "." or exponent == 3
        return head + "." + tail if is_decimal else head + tail
    return (head or "0") + "." + tail


def _ambiguous(head: str, tail: str) -> bool:
    return len(tail) == 3 and 1 <= len(head) <= 3 and head[0] != "0"


def decimal_habit(cells: Iterable[str]) -> str:
    """The decimal separator of a column, "." or ",", from the cells that leave no doubt; "" where none does."""
    votes = {".": 0, ",": 0}
    for cell in cells:
        digits = cell.strip(" \t€$£¥+-ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz\u00a0")
        dots, commas = digits.count("."), digits.count(",")
        if not dots and not commas:
            continue
        last = "." if digits.rfind(".") > digits.rfind(",") else ","
        head, _, tail = digits.rpartition(last)
        if dots and commas:
            votes[last] += 1
        elif dots + commas > 1:
            votes["," if last == "." else "."] += 1
        elif not _ambiguous(head, tail):
            votes[last] += 1
    if votes["."] == votes[","]:
        return ""
    return "." if votes["."] > votes[","] else ","


def currency_of(mark: str, default: str) -> str | None:
    """The currency a sign or code beside a number means, given the row's own; None where it means none."""
    if not mark:
        return default
    code = mark.upper()
    if code in EXPONENTS:
        return code
    if default in SHARED_SIGNS.get(mark, ()):
        return default
    return SIGNS.get(mark)
