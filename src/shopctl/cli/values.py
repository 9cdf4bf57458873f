"""Reading option values quickly: typer's own way loads pydantic for the first parameter, 90 ms before anything runs."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer

_SWITCH = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
# What typer checks of a path at parsing; a parameter that asks for any of it is left to typer.
_PATH_CHECKS = ("exists", "writable", "resolve_path", "executable")


def read_quickly(parameters: list[Any]) -> None:
    """Let these parameters read strings, numbers, switches, choices and plain paths without pydantic."""
    for parameter in parameters:
        descriptor = getattr(parameter, "type_descriptor", None)
        if descriptor is not None and _is_simple(descriptor.annotation, descriptor.parameter_info):
            reader = _Reader(descriptor.annotation, descriptor.parameter_info)
            parameter.get_runtime_param = lambda reader=reader: reader


def _is_simple(annotation: Any, info: Any) -> bool:
    if info.parser is not None or any(getattr(info, check, False) for check in _PATH_CHECKS):
        return False
    if get_origin(annotation) is list:
        return _is_simple(get_args(annotation)[0], info)
    if get_origin(annotation) is Literal:
        return all(isinstance(choice, str) for choice in get_args(annotation))
    return annotation in (str, int, float, bool, Path) or (
        isinstance(annotation, type) and issubclass(annotation, Enum) and info.case_sensitive
    )


class _Reader:
    def __init__(self, annotation: Any, info: Any) -> None:
        self.annotation, self.info = annotation, info

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value as the parameter's type. Raises typer.BadParameter."""
        many = param.multiple or param.nargs == -1
        if value is None:
            return () if many else None
        kind = get_args(self.annotation)[0] if get_origin(self.annotation) is list else self.annotation
        try:
            if many or get_origin(self.annotation) is list:
                return [self._one(item, kind) for item in value]
            return self._one(value, kind)
        except _Refused as refused:
            raise typer.BadParameter(str(refused), ctx=ctx, param=param) from None

    def _one(self, value: Any, kind: Any) -> Any:
        if get_origin(kind) is Literal:
            return _choice(value, {choice: choice for choice in get_args(kind)})
        if issubclass(kind, Enum):
            return value if isinstance(value, kind) else _choice(value, {str(member.value): member for member in kind})
        if kind is bool and not isinstance(value, bool):
            return _choice(str(value).lower(), _SWITCH)
        if kind in (int, float):
            return self._in_range(_number(value, kind))
        return value if isinstance(value, kind) else kind(value)

    def _in_range(self, number: float) -> float:
        low, high = self.info.min, self.info.max
        if (low is not None and number < low) or (high is not None and number > high):
            limits = [f"at least {low}"] if low is not None else []
            limits += [f"at most {high}"] if high is not None else []
            raise _Refused(f"{number} is not {' and '.join(limits)}.")
        return number


class _Refused(Exception):
    pass


def _number(value: Any, kind: Any) -> float:
    try:
        number: float = kind(value)
    except ValueError:
        raise _Refused(f"{value!r} is not a {'whole number' if kind is int else 'number'}.") from None
    # `nan` passes every range check and an infinite time-out never ends.
    if number != number or number in (float("inf"), float("-inf")):
        raise _Refused(f"{value!r} is not a number.")
    return number


def _choice(value: Any, choices: dict[Any, Any]) -> Any:
    if value not in choices:
        from difflib import get_close_matches

        near = get_close_matches(str(value), choices, n=1)
        ending = f" Did you mean {near[0]}?" if near else ""
        raise _Refused(f"{value!r} is not one of {', '.join(choices)}.{ending}")
    return choices[value]
