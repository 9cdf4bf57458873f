"""Templates: how a product is provisioned, and what may be done to it afterwards; found for a product by its traits.

A template is a workflow (see `workflow.reading`) with more: `[select]` says which products it is for, `[parameters]` is
the JSON Schema of their configuration, `[operations.suspend]` and the like are workflows for an instance that is there,
and `extends` names a template whose parts it takes over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from shopctl.workflow.reading import Problem, examined

if TYPE_CHECKING:
    from shopctl.workflow.definition import Definition

START = "start"
OPERATIONS = ("modify", "renew", "suspend", "resume", "terminate", "upgrade")
SELECT = ("kind", "category", "sku", "attributes")

_OWN = frozenset({"extends", "select", "parameters", "operations"})
_OPERATION = {"title", "steps", "on_failure", "downstreams", "result"}


@dataclass(frozen=True)
class Template:
    """One template with everything that it inherits; `definitions` are its workflows by operation."""

    name: str
    title: str
    source: str  # "bundled", or the file it came from
    extends: str | None
    select: Mapping[str, Any]
    parameters: Mapping[str, Any]
    definitions: Mapping[str, Definition]

    def fits(self, product: Mapping[str, Any]) -> tuple[int, ...] | None:
        """How closely it is meant for this product, as `catalogue show` describes it; None when it is not.

        A SKU counts most, then attributes, then the depth of the category, then the kind.
        """
        select = self.select
        closeness = [0, 0, 0, 0]
        if skus := _listed(select.get("sku")):
            found = [pattern for pattern in skus if fnmatchcase(str(product.get("sku")), pattern)]
            if not found:
                return None
            closeness[0] = 2 if str(product.get("sku")) in found else 1
        for name, wanted in dict(select.get("attributes", {})).items():
            held = {**product.get("options", {}), **product.get("attributes", {})}.get(name)
            if held is None or not any(fnmatchcase(str(held), str(value)) for value in _listed(wanted)):
                return None
            closeness[1] += 1
        if categories := _listed(select.get("category")):
            paths = [str(product.get("category") or ""), *product.get("categories", ())]
            depths = [
                wanted.count(">") + 1
                for wanted in categories
                if any(path == wanted or path.startswith(f"{wanted} > ") for path in paths)
            ]
            if not depths:
                return None
            closeness[2] = max(depths)
        if kinds := _listed(select.get("kind")):
            if product.get("kind") not in kinds:
                return None
            closeness[3] = 1
        return tuple(closeness)


def template_of(body: Mapping[str, Any], source: str) -> tuple[Template | None, list[Problem]]:
    """The template that the dictionary describes, inheritance already done; None and what is wrong with it."""
    problems: list[Problem] = []
    definitions: dict[str, Definition] = {}
    name = str(body.get("name", ""))
    start, found = examined(body, also=_OWN)
    problems += found
    if start is not None:
        definitions[START] = start
    for operation, entry in _table(body, "operations", problems).items():
        path = ("operations", operation)
        if operation not in OPERATIONS:
            problems.append(Problem(path, f"an operation is one of: {', '.join(OPERATIONS)}"))
            continue
        if not isinstance(entry, Mapping):
            problems.append(Problem(path, "an operation is a table with [[steps]]"))
            continue
        problems += [
            Problem((*path, key), f"there is no key {key!r} here; known are: {', '.join(sorted(_OPERATION))}")
            for key in entry.keys() - _OPERATION
        ]
        own = {"downstreams": body.get("downstreams", {}), **entry, "name": f"{name}.{operation}"}
        made, found = examined(own)
        problems += [Problem((*path, *problem.path), problem.text) for problem in found]
        if made is not None:
            definitions[operation] = made
    select = _table(body, "select", problems)
    problems += [
        Problem(("select", key), f"products are selected by: {', '.join(SELECT)}")
        for key in select
        if key not in SELECT
    ]
    parameters = _table(body, "parameters", problems)
    problems += _schema_problems(parameters)
    if problems:
        return None, problems
    extends = body.get("extends")
    title = str(body.get("title", name))
    return Template(name, title, source, extends, select, parameters, definitions), []


def inherited(parent: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    """The child with what it does not say itself taken from the parent.

    Tables are merged key by key. A step of the parent's is changed by one of the same name and left out by
    `remove = true`; another one comes at the end, or after the step that its `after` names. `select` is its own.
    """
    merged = _merged({key: value for key, value in parent.items() if key not in ("select", "extends")}, child)
    merged.pop("extends", None)
    return merged


def closest(templates: Iterable[Template], product: Mapping[str, Any]) -> list[Template]:
    """The templates that fit the product best: one, none, or several that fit equally well."""
    fitting = [(closeness, template) for template in templates if (closeness := template.fits(product)) is not None]
    best = max((closeness for closeness, _ in fitting), default=None)
    return [template for closeness, template in fitting if closeness == best and template.select]


def _merged(parent: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(parent)
    for key, value in child.items():
        before = parent.get(key)
        if key == "steps" and isinstance(value, list) and isinstance(before, list):
            merged[key] = _merged_steps(before, value)
        elif isinstance(value, Mapping) and isinstance(before, Mapping):
            merged[key] = _merged(before, value)
        else:
            merged[key] = value
    return merged


def _merged_steps(parent: list[Any], child: list[Any]) -> list[Any]:
    steps = [dict(step) for step in parent]
    for step in child:
        if not isinstance(step, Mapping):
            steps.append(step)
            continue
        own = {key: value for key, value in step.items() if key not in ("after", "remove")}
        place = next((number for number, known in enumerate(steps) if known.get("name") == step.get("name")), None)
        if place is None:
            after = [number for number, known in enumerate(steps) if known.get("name") == step.get("after")]
            steps.insert(after[0] + 1 if after else len(steps), own)
        elif step.get("remove"):
            del steps[place]
        else:
            steps[place] = _merged(steps[place], own)
    return steps


def _listed(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _table(body: Mapping[str, Any], key: str, problems: list[Problem]) -> dict[str, Any]:
    value = body.get(key, {})
    if isinstance(value, Mapping):
        return dict(value)
    problems.append(Problem((key,), f"`{key}` is a table"))
    return {}


def _schema_problems(schema: Mapping[str, Any]) -> list[Problem]:
    if not schema:
        return []
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(dict(schema))
    except SchemaError as error:
        return [Problem(("parameters", *error.path), f"not a JSON Schema: {error.message}")]
    return []
