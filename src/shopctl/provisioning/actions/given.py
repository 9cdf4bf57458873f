"""What a step's `with` may hold: checked as it is written, and read when its expressions are resolved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from shopctl.kernel import clock
from shopctl.kernel.errors import InvalidData
from shopctl.workflow.ports import Call

MOST = 10**15  # pieces, as many as the catalogue counts


class ValuesInvalid(InvalidData):
    """The step {step} cannot be carried out: {problem}."""

    code = "provisioning.values_invalid"
    hint = "Mend its `with`, or what the run was started with: shopctl provision show RUN"


class Field(NamedTuple):
    """One value. Missing and null are the same and mean `default`; what is `needed` must be there, if only as null."""

    kind: str  # text | count | length | yes_or_no | object
    needed: bool = False
    default: Any = None


EXPECTED = {
    "text": "a text",
    "count": "a whole number of at least 1",
    "length": 'a length of time such as "7d"',
    "yes_or_no": "true or false",
    "object": "a table",
}

Fields = Mapping[str, Field]


def problems(values: Mapping[str, Any], fields: Fields) -> list[str]:
    """What is wrong with a `with` as written, one line each; what holds an expression is looked at when it is read."""
    found = [f"`{name}` is needed" for name, field in fields.items() if field.needed and name not in values]
    found += [f"`{name}` is not known here; {_known(fields)}" for name in values if name not in fields]
    for name, value in values.items():
        if name in fields and value is not None and "${" not in str(value):
            try:
                _read(value, fields[name].kind)
            except ValueError:
                found.append(f"`{name}` must be {EXPECTED[fields[name].kind]}")
    return found


def given(call: Call, fields: Fields, *, required: tuple[str, ...] = ()) -> dict[str, Any]:
    """The values of a call, lengths as seconds. Raises ValuesInvalid, also where a `required` one is null."""
    found: dict[str, Any] = {}
    for name, field in fields.items():
        value = call.values.get(name)
        if value is None and name in required:
            raise ValuesInvalid(step=call.step, problem=f"`{name}` has no value")
        try:
            found[name] = field.default if value is None else _read(value, field.kind)
        except ValueError:
            raise ValuesInvalid(step=call.step, problem=f"`{name}` is not {EXPECTED[field.kind]}") from None
    return found


def _read(value: Any, kind: str) -> Any:
    if kind == "count":
        # What was given on a command line is text.
        number = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value
        if isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= MOST:
            return number
    elif kind == "length" and isinstance(value, str):
        try:
            return clock.length(value)
        except clock.NotALength:
            raise ValueError from None
    elif (
        (kind == "text" and isinstance(value, str) and value)
        or (kind == "yes_or_no" and isinstance(value, bool))
        or (kind == "object" and isinstance(value, Mapping))
    ):
        return value
    raise ValueError


def _known(fields: Fields) -> str:
    names = ", ".join(f"`{name}`" for name in fields)
    return f"there are {names}"
