"""Conditions on hits as a person writes them: `price<20`, `category=Home > Kitchen`, `attributes.color!=red`."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import lru_cache
from typing import Literal, NamedTuple, cast

from shopctl.catalogue.engines.errors import BadCondition
from shopctl.catalogue.model import KINDS, STATUSES
from shopctl.catalogue.ports import Keyword
from shopctl.kernel.money import LARGEST

Operator = Literal["=", "!=", "<", "<=", ">", ">="]

NUMBERS = ("price", "stock")
KEYWORDS: dict[str, Keyword] = {
    "category": "category", "brand": "brand", "kind": "kind", "tag": "tag", "tags": "tag", "sku": "sku",
}  # fmt: skip
FIELDS = (*NUMBERS, "status", *(name for name in KEYWORDS if name != "tags"))

_FORM = "Write FIELD OPERATOR VALUE, such as 'price<20', 'brand=Acme' or 'attributes.color!=\"dark red\"'."
_CONDITION = re.compile(r"\s*([^=!<>]*?)\s*(<=|>=|!=|=|<|>)\s*(.*?)\s*", re.DOTALL)
_NUMBER = re.compile(r"[+-]?([0-9]{1,18}(\.[0-9]{0,8})?|\.[0-9]{1,8})")  # exact in 28 digits
_PREFIXES = ("attributes.", "options.")
_CHOICES = {"kind": KINDS, "status": STATUSES}


class Condition(NamedTuple):
    """One condition. `key` is that of an option or attribute (`field` is `fact`); `named`: called one by a prefix."""

    field: str
    operator: Operator
    value: str
    key: str = ""
    named: bool = True

    @property
    def number(self) -> Decimal:
        """The value as a number."""
        return Decimal(self.value)

    @property
    def numeric(self) -> bool:
        """Whether it compares amounts and not texts."""
        return self.field in NUMBERS or self.operator not in ("=", "!=")


@lru_cache(maxsize=200)
def parsed(text: str) -> Condition:
    """A condition from its text. Raises BadCondition.

    The value may stand in single or double quotes. `<`, `<=`, `>` and `>=` compare numbers: price, stock, and options
    and attributes that hold one. An empty value asks for products that have nothing there.
    """
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise BadCondition(text=text[:200], reason="it compares nothing", remedy=_FORM)
    name, operator, value = match[1], cast("Operator", match[2]), _unquoted(match[3])
    if not name:
        raise BadCondition(text=text[:200], reason="it names no field", remedy=_FORM)
    if match[3][:1] in ("=", "<", ">", "!", "~"):
        raise BadCondition(
            text=text[:200], reason=f"{operator}{value[0]} is no operator", remedy="Operators are = != < <= > >=."
        )
    condition = _condition(name, operator, value)
    if condition.numeric and not _NUMBER.fullmatch(value):
        compared = f"{name} is compared with" if condition.field in NUMBERS else f"{operator} compares"
        raise BadCondition(text=text[:200], reason=f"{compared} numbers, and {value[:40]!r} is none", remedy=_FORM)
    if condition.numeric and condition.field not in (*NUMBERS, "fact"):
        raise BadCondition(
            text=text[:200], reason=f"{name} has no order", remedy=f"Write {name}={value[:40]} or {name}!={value[:40]}."
        )
    choices = _CHOICES.get(condition.field)
    if choices and condition.value not in choices:
        raise BadCondition(
            text=text[:200], reason=f"{value[:40]!r} is no {name}", remedy=f"A {name} is one of: {', '.join(choices)}."
        )
    return condition


def minor_units(condition: Condition, exponent: int) -> tuple[Operator, int] | bool:
    """A comparison of integers of the minor unit that says the same; True or False where it holds for all or for none.

    `price<19.999` in cents is `< 2000`, since no amount lies between.
    """
    scaled = condition.number.scaleb(exponent)
    whole = int(scaled.to_integral_value(ROUND_FLOOR))
    exact = whole == scaled
    operator = condition.operator
    if not exact:
        if operator in ("=", "!="):
            return operator == "!="
        rounding = ROUND_CEILING if operator in ("<", ">=") else ROUND_FLOOR
        whole = int(scaled.to_integral_value(rounding))
    if abs(whole) < 2**63:
        return operator, whole
    if operator in ("=", "!="):
        return operator == "!="
    return (operator in ("<", "<=")) is (whole > 0)


def ranges(condition: Condition, exponent: int) -> tuple[tuple[int, int], ...]:
    """The amounts of the minor unit that fulfil a comparison, as ranges from and to, both included."""
    compared = minor_units(condition, exponent)
    if isinstance(compared, bool):
        return ((-LARGEST, LARGEST),) if compared else ()
    operator, number = compared
    return {
        "=": ((number, number),),
        "!=": ((-LARGEST, number - 1), (number + 1, LARGEST)),
        "<": ((-LARGEST, number - 1),),
        "<=": ((-LARGEST, number),),
        ">": ((number + 1, LARGEST),),
        ">=": ((number, LARGEST),),
    }[operator]


def _condition(name: str, operator: Operator, value: str) -> Condition:
    lower = name.lower()
    if lower in _CHOICES:
        return Condition(lower, operator, value.lower())
    if lower in KEYWORDS:
        return Condition(KEYWORDS[lower], operator, value)
    if lower in NUMBERS:
        return Condition(lower, operator, value)
    for prefix in _PREFIXES:
        if lower.startswith(prefix) and len(name) > len(prefix):
            return Condition("fact", operator, value, name[len(prefix) :])
    return Condition("fact", operator, value, name, named=False)


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return text
