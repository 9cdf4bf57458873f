"""`${…}` in a step's values and conditions: JMESPath over the run's input and the outputs of its steps."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

Value = Callable[[Mapping[str, Any]], Any]

_EXPRESSION = re.compile(r"\$\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}")
_PLAIN = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")


class Composed(str):
    """A text into which values were put, and what it is made of: to most it is a text, an address looks closer.

    `pieces`: each as what stands before it and its value; `rest`: what follows the last.
    """

    pieces: Sequence[tuple[str, Any]]
    rest: str


class ExpressionInvalid(ValueError):
    """The text is not JMESPath; its argument says why, on one line."""


def compiled(value: object) -> Value:
    """A function of the scope that gives the value with its expressions resolved.

    A text that is one expression alone takes the type of what it finds (null where there is nothing); inside of a
    longer text, texts and numbers are put in as they are, the rest as JSON, and nothing as nothing; the
    text is `Composed`. Raises ExpressionInvalid.
    """
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        members = {key: compiled(inner) for key, inner in value.items()}
        if not any(_EXPRESSION.search(text) for text in _texts(value)):
            return lambda scope: value
        return lambda scope: {key: inner(scope) for key, inner in members.items()}
    if isinstance(value, list):
        elements = [compiled(inner) for inner in value]
        return lambda scope: [inner(scope) for inner in elements]
    return lambda scope: value


def condition(text: str) -> Value:
    """The same for a bare JMESPath expression; whether it holds is JMESPath's own notion of truth."""
    find = _expression(text)

    def holds(scope: Mapping[str, Any]) -> bool:
        found = find(scope)
        return not (found is None or found is False or found in ("", [], {}))

    return holds


def expressions(value: object) -> list[str]:
    """The expressions inside of a value, as written."""
    return [found for text in _texts(value) for found in _EXPRESSION.findall(text)]


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for inner in value.values() for text in _texts(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in _texts(inner)]
    return []


def _text(text: str) -> Value:
    found = list(_EXPRESSION.finditer(text))
    if not found:
        return lambda scope: text
    if len(found) == 1 and found[0][0] == text:
        return _expression(found[0][1])
    pieces: list[tuple[str, Value]] = []
    end = 0
    for match in found:
        pieces.append((text[end : match.start()], _expression(match[1])))
        end = match.end()
    rest = text[end:]

    def whole(scope: Mapping[str, Any]) -> str:
        found = [(before, find(scope)) for before, find in pieces]
        text = Composed("".join([before + written(value) for before, value in found]) + rest)
        text.pieces, text.rest = found, rest
        return text

    return whole


def written(value: object) -> str:
    """How a value stands in a text."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@lru_cache(maxsize=2048)
def _expression(text: str) -> Value:
    text = text.strip()
    if _PLAIN.fullmatch(text):
        return _path(text.split("."))
    from jmespath import compile as compile_
    from jmespath.exceptions import JMESPathError

    try:
        parsed = compile_(text)
    except (JMESPathError, ValueError) as error:
        raise ExpressionInvalid(f"{text!r}: {' '.join(str(error).split())}") from None

    def search(scope: Mapping[str, Any]) -> Any:
        return parsed.search(scope)

    return search


def _path(names: list[str]) -> Value:
    # Most expressions are dotted names; JMESPath's interpreter takes thirty times as long for them.
    def find(scope: Mapping[str, Any]) -> Any:
        found: Any = scope
        for name in names:
            # What came from JSON is a dictionary, and asking an abstract class takes ten times as long.
            if type(found) is not dict and not isinstance(found, Mapping):
                return None
            found = found.get(name)
        return found

    return find
