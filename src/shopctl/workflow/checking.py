"""What can be said of a definition before it runs: unknown actions, steps never reached, effects not undone."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from shopctl.workflow.definition import Definition, Step
from shopctl.workflow.expressions import expressions
from shopctl.workflow.ports import Action
from shopctl.workflow.toml_places import Path

_STEP = re.compile(r"\bsteps\.([A-Za-z_]\w*)")
_INPUT = re.compile(r"""(?<![\w.'"])input\.([A-Za-z_]\w*)""")
_NEVER = ("`false`", "`null`", "false", "null")


class Finding(NamedTuple):
    """One thing about a step; an error keeps the definition from working, a warning need not."""

    path: Path
    severity: str  # error | warning
    code: str
    text: str


def findings(
    definition: Definition,
    actions: Mapping[str, Action],
    places: Mapping[str, int],
    inputs: Collection[str] | None = None,
) -> list[Finding]:
    """What is wrong or doubtful; `places` are the numbers of the steps in the file, `inputs` what a run's input has."""
    found = [] if inputs is None else _unknown_inputs(definition, places, inputs)
    before = ancestors(definition)
    dead = _unreachable(definition)
    for number, step in enumerate(definition.steps):
        path: Path = ("steps", places.get(step.name, number))
        action = actions.get(step.action)
        if action is None:
            found.append(_unknown((*path, "action"), step, step.action, actions))
        else:
            found += [
                Finding((*path, "with"), "error", "with", f"{step.name}: {text}")
                for text in action.problems(step.written)
            ]
        undo = step.compensation
        if undo is not None:
            undoing = actions.get(undo.action)
            if undoing is None:
                found.append(_unknown((*path, "compensate"), step, undo.action, actions))
            else:
                found += [
                    Finding((*path, "compensate"), "error", "with", f"undoing {step.name}: {text}")
                    for text in undoing.problems(undo.written)
                ]
        elif step.undoable and getattr(action, "undone_by", None) != "nothing" and _more_may_fail(definition, step):
            found.append(
                Finding(
                    path, "warning", "compensation",
                    f"step {step.name!r} has no compensation; write `compensate = false` if there is nothing to undo",
                )
            )  # fmt: skip
        if step.name in dead:
            found.append(
                Finding(path, "error", "unreachable", f"step {step.name!r} is never reached: {dead[step.name]}")
            )
        read = {name for text in [*expressions(step.written), step.condition or ""] for name in _STEP.findall(text)}
        for name in sorted(read - before[step.name]):
            told = "there is no such step" if name not in definition.by_name else "it does not come before"
            found.append(
                Finding((*path, "with"), "error", "reference", f"step {step.name!r} reads {name!r}, but {told}")
            )
    return found


def ancestors(definition: Definition) -> dict[str, set[str]]:
    """For each step all that come before it."""
    found: dict[str, set[str]] = {}
    for step in definition.steps:
        found[step.name] = set(step.needs).union(*(found[need] for need in step.needs))
    return found


def _unknown_inputs(definition: Definition, places: Mapping[str, int], inputs: Collection[str]) -> list[Finding]:
    known = ", ".join(sorted(inputs))
    return [
        Finding((*path, *inner), "warning", "input", f"there is no input.{name}; known are: {known}")
        for path, written in _written(definition, places)
        for inner, text in _leaves(written)
        for name in dict.fromkeys(_INPUT.findall(text))
        if name not in inputs
    ]


def _written(definition: Definition, places: Mapping[str, int]) -> Iterator[tuple[Path, Any]]:
    """All in which expressions stand, with its path; a condition is one without its frame."""
    for number, step in enumerate(definition.steps):
        path: Path = ("steps", places.get(step.name, number))
        yield (*path, "with"), step.written
        yield (*path, "when"), f"${{{step.condition}}}" if step.condition else None
        if step.compensation is not None:
            yield (*path, "compensate", "with"), step.compensation.written
    yield ("result",), json.loads(definition.body).get("result")


def _leaves(value: Any) -> Iterator[tuple[Path, str]]:
    """The expressions in a value, each with the path that leads to it."""
    inner = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        for path, text in _leaves(part):
            yield (key, *path), text
    if isinstance(value, str):
        for text in expressions(value):
            yield (), text


def _unreachable(definition: Definition) -> dict[str, str]:
    """Steps whose condition can never hold, with the reason."""
    return {
        step.name: f"its condition is {step.condition}"
        for step in definition.steps
        if step.condition is not None and step.condition.strip() in _NEVER
    }


def _more_may_fail(definition: Definition, step: Step) -> bool:
    return step.on_failure == "compensate" and definition.steps[-1] is not step


def _unknown(path: Path, step: Step, name: str, actions: Mapping[str, Action]) -> Finding:
    return Finding(
        path,
        "error",
        "action",
        f"step {step.name!r} calls {name!r}, which is no action; known are: {', '.join(sorted(actions))}",
    )
