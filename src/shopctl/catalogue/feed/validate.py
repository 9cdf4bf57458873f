"""Turns single cells into fields, exactly or not at all: each function returns the value or raises Bad."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from shopctl.catalogue.feed.exact import Exact
from shopctl.catalogue.feed.numbers import NotANumber, currency_of, number
from shopctl.catalogue.feed.row import DEFAULT_LIST, DEFAULT_LOCATION, KINDS, canonical
from shopctl.kernel import clock, money

SKU_LENGTH = 255
NAME_LENGTH = 2000
WORD_LENGTH = 255  # brand, tax class, one level of a category, one tag, an attribute's name
CATEGORY_LENGTH = 1000
LARGEST_QUANTITY = 10**15
_THREE_AFTER_DOT = re.compile(r"[1-9][0-9]{0,2}\.[0-9]{3}")

STATUS_WORDS = {
    "draft": "draft", "proposed": "draft", "pending": "draft", "inactive": "draft", "hidden": "draft",
    "private": "draft", "unpublished": "draft", "disabled": "draft", "false": "draft", "no": "draft", "0": "draft",
    "active": "active", "published": "active", "publish": "active", "enabled": "active", "visible": "active",
    "true": "active", "yes": "active", "1": "active",
    "retired": "retired", "archived": "retired", "discontinued": "retired", "rejected": "retired",
}  # fmt: skip

Price = tuple[str, int, str, int, int, int | None]
Stock = tuple[str, int]


class Bad(Exception):
    """One record does not go in: the field, the code and the reason, in words for the person who mends the feed."""

    def __init__(self, field: str, code: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.code = code
        self.message = message


class Remembered(dict[Any, Any]):
    """A dictionary that computes what it lacks and keeps it, up to `limit` short keys: feeds repeat themselves."""

    def __init__(self, compute: Any, limit: int = 20_000) -> None:
        super().__init__()
        self.compute = compute
        self.limit = limit

    def __missing__(self, key: Any) -> Any:
        value = self.compute(key)
        if len(self) < self.limit and len(key) < 200:
            self[key] = value
        return value


def too_long(field: str, limit: int, length: int) -> NoReturn:
    raise Bad(field, "field.too_long", f"{field} has {length} characters, at most {limit} go in")


def sku(text: str, field: str = "sku") -> str:
    """A SKU, trimmed. Raises Bad with sku.missing, sku.too_long, sku.invalid."""
    text = text.strip()
    if not text:
        raise Bad(field, "sku.missing", "the SKU is empty")
    if len(text) > SKU_LENGTH:
        raise Bad(field, "sku.too_long", f"the SKU has {len(text)} characters, at most {SKU_LENGTH} go in")
    if not text.isprintable():
        raise Bad(field, "sku.invalid", "the SKU holds a control character or another that does not print")
    return text


def parent_sku(text: str) -> str:
    return sku(text, "parent_sku") if text.strip() else ""


def name_missing() -> NoReturn:
    raise Bad("name", "name.missing", "the name is empty")


def label(text: str, field: str) -> str:
    """A brand or tax class: one short name, blanks around it mean nothing."""
    text = text.strip()
    if len(text) > WORD_LENGTH:
        too_long(field, WORD_LENGTH, len(text))
    return text


def kind(text: str) -> str:
    """One of KINDS; blank is physical."""
    word = text.strip().casefold()
    if word and word not in KINDS:
        raise Bad("kind", "kind.unknown", f"{text.strip()[:40]!r} is not a kind; there are {', '.join(KINDS)}")
    return word or "physical"


def status(text: str) -> str:
    """One of STATUSES, also by the words other shops use; blank is active."""
    word = text.strip().casefold()
    if not word:
        return "active"
    if word not in STATUS_WORDS:
        raise Bad(
            "status", "status.unknown", f"{text.strip()[:40]!r} is not a status; there are draft, active, retired"
        )
    return STATUS_WORDS[word]


def category(text: str, field: str = "category") -> str:
    """The path with its levels trimmed and joined by " > "."""
    levels = [level.strip() for level in text.split(">")]
    path = " > ".join(level for level in levels if level)
    longest = max(map(len, levels))
    if len(path) > CATEGORY_LENGTH or longest > WORD_LENGTH:
        too_long(field, WORD_LENGTH if longest > WORD_LENGTH else CATEGORY_LENGTH, max(len(path), longest))
    return path


def instant(text: str, field: str) -> int | None:
    """Microseconds since the epoch of a date or time in ISO 8601; None for a blank cell."""
    text = text.strip()
    if not text:
        return None
    try:
        if not text[:4].isdecimal():  # `now` and `2h ago` are for people at a terminal
            raise clock.NotATime(text=text)
        return clock.parse(text)
    except (clock.NotATime, OverflowError):
        message = f"{text[:40]!r} is not a time; write 2026-11-24T13:34:00Z or 2026-11-24"
        raise Bad(field, "date.invalid", message) from None


def currency(text: str, default: str) -> str:
    """An ISO 4217 code in any case; `default` for a blank cell."""
    code = text.strip().upper()
    if not code:
        return default
    if code not in money.EXPONENTS:
        raise Bad("currency", "price.currency", f"{text.strip()[:20]!r} is not an ISO 4217 currency code")
    return code


def amount(
    text: str, currency_given: str, currency_default: str, decimal: str = "", field: str = "price"
) -> tuple[int, str]:
    """Minor units and currency of a price cell; `currency_given` ("" unknown) is the row's own."""
    expected = currency_given or currency_default
    try:
        plain, mark = number(text, decimal, money.EXPONENTS.get(expected, 2))
    except NotANumber:
        raise Bad(field, "price.invalid", f"{text.strip()[:40]!r} is not a price") from None
    found = currency_of(mark, expected)
    if found is None:
        raise Bad(field, "price.invalid", f"{text.strip()[:40]!r} is not a price")
    if currency_given and found != currency_given:
        raise Bad(field, "price.currency", f"the price says {found}, the row says {currency_given}")
    if plain.startswith("-"):
        raise Bad(field, "price.negative", f"the price {plain} is negative")
    return minor(plain, found, field), found


def minor(plain: str, code: str, field: str = "price") -> int:
    try:
        return money.parse(plain, code)
    except money.TooPrecise as problem:
        raise Bad(field, "price.precision", problem.message.rstrip(".")) from None
    except money.OutOfRange as problem:
        raise Bad(field, "price.range", problem.message.rstrip(".")) from None
    except (money.NotAnAmount, money.UnknownCurrency) as problem:
        raise Bad(field, "price.invalid", problem.message.rstrip(".")) from None


def single_price(
    text: str, given: str, default: str, decimal: str, price_list: str = DEFAULT_LIST
) -> tuple[Price, ...]:
    """The prices of one cell: one, or none where it is blank."""
    if not text or text.isspace():
        return ()
    minor_units, code = amount(text, given, default, decimal)
    return ((code, minor_units, price_list, 1, 0, None),)


def quantity(text: str, decimal: str = "", field: str = "stock") -> int:
    """A whole number of pieces; "12.00" is 12, "1,234" is 1234 unless the feed writes decimal commas."""
    if text.isdecimal() and text.isascii() and len(text) < 16:
        return int(text)
    if not decimal and _THREE_AFTER_DOT.fullmatch(text.strip()):
        message = f"{text.strip()!r} may be thousands or a decimal; the mapping's decimal says which"
        raise Bad(field, "stock.ambiguous", message)
    try:
        plain, mark = number(text, decimal, 0 if decimal == "," else 2)
    except NotANumber:
        plain, mark = "", "?"
    whole, _, fraction = plain.partition(".")
    if mark or fraction.strip("0"):
        raise Bad(field, "stock.invalid", f"{text.strip()[:40]!r} is not a whole number")
    value = int(whole) if len(whole) < 18 else LARGEST_QUANTITY + 1
    if value < 0:
        raise Bad(field, "stock.negative", f"the stock {whole} is negative")
    if value > LARGEST_QUANTITY:
        raise Bad(field, "stock.range", f"the stock {whole[:20]} is too large")
    return value


def stock(text: str, location: str = DEFAULT_LOCATION, decimal: str = "") -> tuple[Stock, ...]:
    """A number for one location, or a JSON object of them; blank: nothing is said about stock."""
    text = text.strip()
    if not text:
        return ()
    if text[0] != "{":
        return ((location, quantity(text, decimal)),)
    return stock_levels(parse_json(text, "stock"))


def stock_levels(value: Any, location: str = DEFAULT_LOCATION, decimal: str = "") -> tuple[Stock, ...]:
    """`12`, or `{"berlin": 3, "paris": 4}`; null says nothing about stock."""
    if isinstance(value, dict):
        levels = ((word(key, "stock", WORD_LENGTH), stock_levels(level)) for key, level in sorted(value.items()))
        return tuple((name, level[0][1]) for name, level in levels if level)
    if value is None:
        return ()
    if isinstance(value, (bool, list)):
        raise Bad("stock", "stock.invalid", f"{str(value)[:40]!r} is not a whole number")
    return ((location, quantity(str(value), decimal if isinstance(value, str) else ".")),)


def word(value: Any, field: str, limit: int) -> str:
    """A short text, not empty."""
    if not isinstance(value, str):
        raise Bad(field, "field.type", f"{field} holds {type(value).__name__}, text was expected")
    if len(value) > limit:
        too_long(field, limit, len(value))
    if not value.strip():
        raise Bad(field, "field.empty", f"{field} holds an empty text")
    return value


_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)


def depth_of(text: str) -> int:
    """How deep JSON text nests, counted without parsing it (a parser may overflow its stack on the way)."""
    if text.count("[") + text.count("{") <= 32:
        return 32
    depth = deepest = 0
    for bracket in re.findall(r"[\[\]{}]", _STRINGS.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def parse_json(text: str, field: str, depth: int = 32) -> Any:
    """The value of a JSON cell. Raises Bad with json.invalid, json.depth or text.invalid."""
    if depth_of(text) > depth:
        raise Bad(field, "json.depth", f"the JSON in {field} nests deeper than {depth} levels")
    try:
        value = json.loads(text, parse_float=Exact, parse_constant=no_constant)
    except (ValueError, RecursionError) as problem:
        reason = json_problem(problem).partition(": line")[0]
        raise Bad(field, "json.invalid", f"the JSON in {field} is not valid: {reason}") from None
    if "\\u" in text:
        check_text(canonical_json(value, field), field)
    return value


def json_problem(problem: Exception) -> str:
    """What is wrong with a JSON text, in words that do not speak of Python."""
    if isinstance(problem, RecursionError):
        return "it nests too deep"
    # A whole number beyond `sys.get_int_max_str_digits()`; the parser has no class of its own for it.
    return "a number has too many digits" if "int_max_str_digits" in str(problem) else str(problem)


def canonical_json(value: Any, field: str) -> str:
    try:
        return canonical(value)
    except (ValueError, TypeError) as problem:
        raise Bad(field, "json.invalid", f"the JSON in {field} is not valid: {problem}") from None


def check_text(text: str, field: str) -> None:
    """Refuse what no database stores: NUL and lone surrogates."""
    if "\0" in text or "\\u0000" in text and "\\u0000" in text.replace("\\\\", ""):
        raise Bad(field, "text.invalid", f"{field} holds a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError as problem:
        code = ord(problem.object[problem.start])
        raise Bad(field, "text.invalid", f"{field} holds U+{code:04X}, a half of a surrogate pair") from None
