"""What a bundle brings along: its components are looked at with it, and asked for by its run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from shopctl.provisioning.errors import ParametersInvalid
from shopctl.provisioning.model import Request
from shopctl.provisioning.template import START, Template

BEGINS = "components"
"""The action that begins a run for each component."""


class Whole(NamedTuple):
    """What is asked for, looked up and checked, with all that it brings along."""

    request: Request
    product: Mapping[str, Any]
    template: Template
    parameters: dict[str, Any]
    input: Mapping[str, Any]  # of its run
    parts: tuple[Whole, ...] = ()

    def each(self) -> Iterator[Whole]:
        """It and all its parts, theirs too."""
        yield self
        for part in self.parts:
            yield from part.each()


def requests(values: Mapping[str, Any]) -> list[Request]:
    """The requests for the components that the values of the step `components` name.

    Raises ParametersInvalid for parameters of what is no component, and for some that are no object.
    """
    components = values.get("components") or []
    own = values.get("parameters") or {}
    given = own.get("components") or {}
    check(str(values.get("sku", "the bundle")), [component["sku"] for component in components], given)
    quantity = int(values.get("quantity") or 1)
    return [
        Request(
            component["sku"],
            str(values["customer"]),
            given.get(component["sku"], {}),
            quantity * int(component.get("quantity", 1)),
            purchase=values.get("purchase"),
            parent=values.get("instance"),
        )
        for component in components
    ]


def check(sku: str, known: list[str], given: Mapping[str, Any]) -> None:
    """Refuse parameters of what is no component, and such as are no object. Raises ParametersInvalid."""
    problems = []
    for name, value in given.items():
        field = f"components.{name}"
        if name not in known:
            text = f"is no component; those are: {', '.join(known) or 'none'}"
            problems.append({"field": field, "code": "parameter.component", "message": text})
        elif not isinstance(value, Mapping):
            problems.append({"field": field, "code": "parameter.type", "message": "must be a value of type object"})
    if problems:
        raise ParametersInvalid(sku=sku, problems=problems)


def foreseen(template: Template, product: Mapping[str, Any], input_: Mapping[str, Any]) -> list[Request]:
    """The requests that a run with this input will make, as far as no step decides of it. Raises ParametersInvalid."""
    scope = {"input": input_, "steps": {}, "run": {"id": "", "subject": ""}}
    found = []
    for step in template.definitions[START].steps:
        if step.action != BEGINS or "steps." in f"{json.dumps(step.written)}{step.condition}":
            continue
        try:
            values = step.values(scope) if step.when is None or step.when(scope) else {}
        except ValueError:  # what JMESPath raises for what it cannot be applied to; the run will say so
            continue
        found += requests({**values, "sku": product["sku"]})
    return found


def of_parts(error: ParametersInvalid, part: str) -> list[dict[str, Any]]:
    """What is wrong with the parameters of a part, as fields of the bundle's."""
    return [
        {**problem, "field": f"components.{part}" + (f".{problem['field']}" if problem["field"] else "")}
        for problem in error.problems
    ]
