"""What may be stored of an instance: JSON objects that both databases can keep and index."""

from __future__ import annotations

from typing import Any

from shopctl.kernel import ids
from shopctl.product_store.errors import InvalidInstance
from shopctl.product_store.model import Json, canonical

LARGEST = 256 * 1024  # bytes of one JSON object; nothing that belongs into a database row is larger
DEEPEST = 32
_LONGEST_NAME = 200


def checked_object(field: str, value: Any) -> Json:
    """The same object, sound throughout. Raises InvalidInstance.

    PostgreSQL's jsonb keeps no NUL characters and no half characters, so neither may SQLite's text.
    """
    if not isinstance(value, dict):
        raise InvalidInstance(field=field, reason="it is no JSON object")
    _check(field, value, DEEPEST)
    if (size := len(canonical(value).encode())) > LARGEST:
        raise InvalidInstance(field=field, reason=f"it has {size:,} bytes, at most {LARGEST:,} are kept")
    return value


def checked_name(field: str, value: Any) -> str:
    """A customer's id, a SKU or a reference as it may be stored. Raises InvalidInstance."""
    if not isinstance(value, str) or not value or len(value) > _LONGEST_NAME:
        raise InvalidInstance(field=field, reason=f"it must have 1 to {_LONGEST_NAME} characters")
    _check_text(field, value)
    return value


def checked_id(value: Any) -> str:
    """An id that was made beforehand. Raises InvalidInstance."""
    if not isinstance(value, str) or ids.prefix_of(value) != "ins":
        raise InvalidInstance(field="instance_id", reason="it is no id of an instance, such as ins_01m8g6vm92fmbadycx…")
    return value


def _check(field: str, value: Any, depth: int) -> None:
    if depth == 0:
        raise InvalidInstance(field=field, reason=f"it is nested more than {DEEPEST} deep")
    if isinstance(value, str):
        _check_text(field, value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise InvalidInstance(field=field, reason="its keys must be texts")
            _check_text(field, key)
            _check(f"{field}.{key}", inner, depth - 1)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            _check(field, inner, depth - 1)
    elif isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise InvalidInstance(field=field, reason="it is no number that JSON knows")
    elif value is not None and not isinstance(value, (bool, int)):
        raise InvalidInstance(field=field, reason=f"JSON knows no {type(value).__name__}")


def _check_text(field: str, text: str) -> None:
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidInstance(field=field.encode("ascii", "replace").decode(), reason="it holds no sound text")
