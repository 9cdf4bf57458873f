"""What a product may be configured with: a JSON Schema, and a message of its own for every field that is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from shopctl.provisioning.errors import ParametersInvalid, ParameterUnreadable

_NOTHING: Mapping[str, Any] = {"type": "object", "additionalProperties": False}


def parsed(assignments: Sequence[str]) -> dict[str, Any]:
    """`NAME=VALUE` texts as an object; dots go into objects, a value that is JSON keeps its type.

    Raises ParameterUnreadable.
    """
    values: dict[str, Any] = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        path = name.strip().split(".")
        if not equals or not all(path):
            raise ParameterUnreadable(text=text)
        place = values
        for part in path[:-1]:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise ParameterUnreadable(text=text)
        place[path[-1]] = _value(value)
    return values


def checked(sku: str, schema: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with the schema's defaults where nothing was said.

    A text is taken for a number or a boolean where the schema asks for one and it can be nothing else, and a number
    for a text. No schema is one that knows no field. Raises ParametersInvalid naming every wrong field (JSON Schema,
    draft 2020-12).
    """
    schema = schema or _NOTHING
    completed = _completed(schema, dict(values))
    if completed == {} and schema is _NOTHING:
        return {}
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(dict(schema), format_checker=Draft202012Validator.FORMAT_CHECKER)
    problems = sorted(
        (
            {"field": field, "code": f"parameter.{error.validator}", "message": _message(error)}
            for error in validator.iter_errors(completed)
            for field in _fields(error)
        ),
        key=lambda problem: (problem["field"], problem["code"]),
    )
    if problems:
        raise ParametersInvalid(sku=sku, problems=problems)
    return completed


def taken(schema: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the values that the schema does not refuse by their names alone."""
    schema = schema or _NOTHING
    if schema.get("additionalProperties", True) is not False:
        return dict(values)
    patterns = schema.get("patternProperties", {})
    known = schema.get("properties", {})
    return {
        name: value
        for name, value in values.items()
        if name in known or any(re.search(pattern, name) for pattern in patterns)
    }


def _completed(schema: Mapping[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties", {})
    for name, part in properties.items() if isinstance(properties, Mapping) else ():
        if not isinstance(part, Mapping):
            continue
        if name not in values and "default" in part:
            values[name] = part["default"]
        if isinstance(values.get(name), dict):
            values[name] = _completed(part, dict(values[name]))
        elif name in values:
            values[name] = _converted(part, values[name])
    return values


def _converted(schema: Mapping[str, Any], value: Any) -> Any:
    kind = schema.get("type")
    if kind == "string" and isinstance(value, int | float) and not isinstance(value, bool):
        return json.dumps(value)
    if kind in ("integer", "number", "boolean") and isinstance(value, str):
        return _value(value)
    return value


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _fields(error: Any) -> list[str]:
    path = [str(part) for part in error.path]
    names: list[list[str]] = [[]]
    if error.validator == "required":
        names = [[error.message.split("'")[1]]]
    elif error.validator == "additionalProperties":
        refused = error.instance.keys() - taken(error.schema, error.instance).keys()
        names = [[str(name)] for name in refused] or names
    return [".".join([*path, *name]) for name in names]


def _message(error: Any) -> str:
    kind, wanted = error.validator, error.validator_value
    if kind == "required":
        return "is needed"
    if kind == "additionalProperties":
        return f"is not known; known are: {', '.join(error.schema.get('properties', {})) or 'none'}"
    if kind == "enum":
        return f"must be one of: {', '.join(map(str, wanted))}"
    if kind == "type":
        return f"must be a value of type {wanted}"
    if kind == "pattern":
        return f"must match {wanted}"
    if kind == "format":
        return f"must be a {wanted}"
    limits = {"minimum": "at least", "maximum": "at most", "minLength": "at least", "maxLength": "at most"}
    if kind in limits:
        return f"must be {limits[kind]} {wanted}{' characters long' if 'Length' in kind else ''}"
    return " ".join(str(error.message).split())[:200]
