"""JSON of headers, claims and keys: one object, no member twice, nothing that two readers could read differently."""

from __future__ import annotations

import json
from typing import Any

_LONGEST_INTEGER = 300  # digits; no time and no count comes near
_DEEPEST = 32  # levels; whatever shows or stores the object later may follow them by recursion


def read_object(data: bytes | str) -> dict[str, Any]:
    """The members of a JSON object.

    Raises ValueError, with the reason, for what is no JSON object in UTF-8, for a member that occurs twice at any
    depth (RFC 7515, section 4; RFC 7519, section 4), for more than 32 levels, for NaN and infinities, and for halves
    of surrogate pairs.
    """
    try:
        text = data if isinstance(data, str) else data.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    try:
        value = json.loads(text, object_pairs_hook=_members, parse_constant=_no_constant, parse_int=_integer)
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError:
        raise ValueError("it is not JSON") from None
    if type(value) is not dict:
        raise ValueError("it is not a JSON object")
    if text.count("[") + text.count("{") > _DEEPEST:
        _shallow(value)
    if "\\u" in text:
        _whole_characters(value)
    return value


def write_object(members: dict[str, Any]) -> bytes:
    """The shortest JSON text of an object, in the order of its members."""
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member occurs twice")
    return members


def _integer(digits: str) -> int:
    if len(digits) > _LONGEST_INTEGER:
        raise ValueError("a number in it has too many digits")
    return int(digits)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number of JSON")


def _shallow(value: dict[str, Any]) -> None:
    level: list[Any] = [value]
    for _ in range(_DEEPEST):
        inner = (each.values() if type(each) is dict else each for each in level)
        level = [item for items in inner for item in items if type(item) in (dict, list)]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> ValueError:
    return ValueError("it is nested too deep")


def _whole_characters(value: dict[str, Any]) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("it holds half of a surrogate pair") from None
