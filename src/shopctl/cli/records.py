"""What use cases return, as plain data: dicts, lists, strings, numbers, true, false and nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def plain(value: Any) -> Any:
    """A value of any depth as JSON can carry it.

    NamedTuples and dataclasses become dicts, other sequences and iterators lists, and what JSON has no word for
    (Decimal, date, Path, an enumeration's value) its text.
    """
    if value is None or isinstance(value, (str, bool, int, float)):
        # A member of an enumeration of strings is its value, not its name.
        return getattr(value, "value", value)
    row = plain_row(value)
    if isinstance(row, dict):
        return row
    if isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray)):
        return [plain(item) for item in value]
    return _text(value)


def plain_row(value: Any) -> Any:
    """A dict, NamedTuple or dataclass as a dict of plain values; anything else as it is."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: plain(item) for name, item in zip(value._fields, value, strict=True)}
    if hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return value


def field(row: Mapping[str, Any], name: str) -> tuple[bool, Any]:
    """Whether a row has a field, and its value; `stock.available` looks inside, and inside nothing is nothing."""
    if name in row:
        return True, row[name]
    head, dot, rest = name.partition(".")
    if not dot or head not in row:
        return False, None
    inner = row[head]
    if inner is None:
        return True, None
    if isinstance(inner, Mapping):
        return field(inner, rest)
    return False, None


def _text(value: Any) -> str:
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    if hasattr(value, "value"):
        return str(value.value)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    return str(value)
