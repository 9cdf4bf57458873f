"""Definitions from TOML or JSON, with every fault named by its line and column."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from shopctl.kernel import clock
from shopctl.workflow.definition import (
    DAY,
    ON_FAILURE,
    Compensation,
    Definition,
    Downstream,
    Step,
    canonical,
)
from shopctl.workflow.errors import DefinitionInvalid, NotToml
from shopctl.workflow.expressions import ExpressionInvalid, compiled, condition
from shopctl.workflow.toml_places import Path, place_of, places
from shopctl.workflow.waits import WAITS, RetryPolicy

NAME = re.compile(r"[a-z][a-z0-9-]{0,62}(?:\.[a-z]{1,20})?")
STEP_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")

_KEYS = {"name", "title", "steps", "downstreams", "on_failure", "result"}
_STEP = {
    "name", "title", "action", "with", "needs", "when", "timeout", "wait", "key_lifetime", "retry", "compensate",
    "on_failure", "downstream",
}  # fmt: skip
_RETRY = {"attempts", "wait", "initial", "maximum", "jitter"}
_COMPENSATE = {"action", "with", "retry"}
_DOWNSTREAM = {"concurrency", "per_second", "failures", "rest"}

_Kind = TypeVar("_Kind")

_AT = re.compile(r"line (\d+), column (\d+)")


class Problem(NamedTuple):
    """What is wrong, and the path of the key that is."""

    path: Path
    text: str


def loads(text: str, source: str) -> dict[str, Any]:
    """The TOML text as a dictionary. Raises NotToml with its line and column."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason = " ".join(str(error).split())
        at = _AT.search(reason)  # where the text ends too early, no place is told
        lines = text.splitlines() or [""]
        line, column = (int(at[1]), int(at[2])) if at else (len(lines), len(lines[-1]) + 1)
        raise NotToml(source=source, reason=reason, line=line, column=column) from None


def located(problems: list[Problem], text: str, source: str) -> DefinitionInvalid:
    """The error that names each problem with the place in the file it stands at."""
    known = places(text)
    found = sorted((place_of(problem.path, known), problem.text) for problem in problems)
    return DefinitionInvalid(
        source=source,
        count=len(found),
        problems=[{"line": line, "column": column, "message": message} for (line, column), message in found],
    )


def read_definition(body: Mapping[str, Any], *, version: int = 0, also: frozenset[str] = frozenset()) -> Definition:
    """The definition that the dictionary describes; keys in `also` are left to the caller.

    Raises DefinitionInvalid with all problems; `problems_of` gives them with their paths.
    """
    definition, problems = examined(body, version=version, also=also)
    if definition is None:
        raise DefinitionInvalid(
            source=str(body.get("name", "a definition")),
            count=len(problems),
            problems=[{"path": ".".join(map(str, problem.path)), "message": problem.text} for problem in problems],
        )
    return definition


def examined(
    body: Mapping[str, Any], *, version: int = 0, also: frozenset[str] = frozenset()
) -> tuple[Definition | None, list[Problem]]:
    """The definition, or None and what is wrong with it."""
    reader = _Reader(body)
    definition = reader.definition(version, also)
    return (None if reader.problems else definition), reader.problems


class _Reader:
    def __init__(self, body: Mapping[str, Any]) -> None:
        self.body = body
        self.problems: list[Problem] = []

    def definition(self, version: int, also: frozenset[str]) -> Definition:
        body = self.body
        self.known((), body, _KEYS | also)
        name = self.text((), body, "name", "")
        if not NAME.fullmatch(name):
            self.wrong(("name",), "`name` is needed: lower case letters, digits and hyphens")
        downstreams = {
            key: self.downstream(("downstreams", key), key, value)
            for key, value in self.table((), body, "downstreams").items()
        }
        on_failure = self.choice((), body, "on_failure", ON_FAILURE, "compensate")
        steps = self.steps(on_failure, downstreams)
        own = {key: value for key, value in body.items() if key in _KEYS}
        result = self.compiled(("result",), self.table((), body, "result")) if "result" in body else None
        return Definition(name, version, self.text((), body, "title", name), steps, downstreams, result, canonical(own))

    def steps(self, on_failure: str, downstreams: Mapping[str, Downstream]) -> tuple[Step, ...]:
        listed = self.body.get("steps")
        if not isinstance(listed, list) or not listed:
            self.wrong(("steps",), "at least one [[steps]] is needed")
            return ()
        steps: list[Step] = []
        for number, entry in enumerate(listed):
            if not isinstance(entry, Mapping):
                self.wrong(("steps", number), "a step is a table")
                continue
            before = (steps[-1].name,) if steps else ()
            steps.append(self.step(("steps", number), entry, before, on_failure))
            if steps[-1].downstream is not None and steps[-1].downstream not in downstreams:
                self.wrong(
                    ("steps", number, "downstream"), f"there is no [downstreams.{steps[-1].downstream}] in this file"
                )
        return self.ordered(steps)

    def step(self, path: Path, entry: Mapping[str, Any], before: tuple[str, ...], on_failure: str) -> Step:
        self.known(path, entry, _STEP)
        name = self.text(path, entry, "name", "")
        if not STEP_NAME.fullmatch(name):
            self.wrong((*path, "name"), "a step's `name` is needed: lower case letters, digits and underscores")
        action = self.text(path, entry, "action", "")
        if not action:
            self.wrong((*path, "action"), f"step {name!r} names no `action`")
        when = entry.get("when")
        undo = entry.get("compensate")
        return Step(
            name=name,
            title=self.text(path, entry, "title", name),
            action=action,
            values=self.compiled((*path, "with"), written := self.table(path, entry, "with")),
            written=written,
            needs=self.needs(path, entry, before),
            when=None if when is None else self.condition((*path, "when"), when),
            condition=None if when is None else str(when),
            seconds=self.length(path, entry, "timeout", 30.0),
            wait=self.length(path, entry, "wait", 7 * DAY),
            key_lifetime=self.length(path, entry, "key_lifetime", DAY),
            retry=self.retry((*path, "retry"), self.table(path, entry, "retry")),
            compensation=None if undo is None or undo is False else self.compensation((*path, "compensate"), undo),
            undoable=undo is not False,
            on_failure=self.choice(path, entry, "on_failure", ON_FAILURE, on_failure),
            downstream=self.text(path, entry, "downstream", "") or None,
        )

    def needs(self, path: Path, entry: Mapping[str, Any], before: tuple[str, ...]) -> tuple[str, ...]:
        """Without `needs` a step comes after the one above it."""
        needs = entry.get("needs")
        if needs is None:
            return before
        if not isinstance(needs, list) or not all(isinstance(need, str) for need in needs):
            self.wrong((*path, "needs"), "`needs` is a list of step names")
            return ()
        return tuple(dict.fromkeys(needs))

    def compensation(self, path: Path, undo: Any) -> Compensation | None:
        if isinstance(undo, str):
            undo = {"action": undo}
        if not isinstance(undo, Mapping):
            self.wrong(path, "`compensate` is a table with an `action`, or false where there is nothing to undo")
            return None
        self.known(path, undo, _COMPENSATE)
        action = self.text(path, undo, "action", "")
        if not action:
            self.wrong((*path, "action"), "a compensation names its `action`")
        written = self.table(path, undo, "with")
        retry = self.retry((*path, "retry"), self.table(path, undo, "retry"))
        return Compensation(action, self.compiled((*path, "with"), written), retry, written)

    def retry(self, path: Path, entry: Mapping[str, Any]) -> RetryPolicy:
        self.known(path, entry, _RETRY)
        attempts = entry.get("attempts", RetryPolicy().attempts)
        if not isinstance(attempts, int) or isinstance(attempts, bool) or not 1 <= attempts <= 1000:
            self.wrong((*path, "attempts"), "`attempts` is a whole number from 1 to 1000")
            attempts = 1
        return RetryPolicy(
            attempts,
            self.choice(path, entry, "wait", WAITS, "exponential"),
            self.length(path, entry, "initial", RetryPolicy().initial, least=0.0),
            self.length(path, entry, "maximum", RetryPolicy().maximum, least=0.0),
            self.length(path, entry, "jitter", RetryPolicy().jitter, least=0.0),
        )

    def downstream(self, path: Path, name: str, entry: Any) -> Downstream:
        if not isinstance(entry, Mapping):
            self.wrong(path, "a downstream is a table")
            return Downstream(name)
        self.known(path, entry, _DOWNSTREAM)
        for key in ("concurrency", "failures", "per_second"):
            value = entry.get(key)
            whole = key != "per_second"
            if value is not None and (
                isinstance(value, bool) or not isinstance(value, int if whole else (int, float)) or value <= 0
            ):
                self.wrong((*path, key), f"`{key}` is a {'whole ' if whole else ''}number above 0")
                return Downstream(name)
        rest = self.length(path, entry, "rest", 30.0)
        return Downstream(name, entry.get("concurrency"), entry.get("per_second"), entry.get("failures"), rest)

    def ordered(self, steps: list[Step]) -> tuple[Step, ...]:
        """Each after all that it needs, otherwise as written (Kahn's algorithm); names cycles and unknown needs."""
        numbers: dict[str, int] = {}
        for number, step in enumerate(steps):
            if step.name in numbers:
                self.wrong(("steps", number, "name"), f"there are two steps named {step.name!r}")
            numbers[step.name] = number
        waiting: dict[str, set[str]] = {}
        for number, step in enumerate(steps):
            if missing := [need for need in step.needs if need not in numbers]:
                self.wrong(("steps", number, "needs"), f"step {step.name!r} needs {missing[0]!r}, which there is not")
            waiting[step.name] = {need for need in step.needs if need in numbers}
        order: list[Step] = []
        while ready := [step for step in steps if step.name in waiting and not waiting[step.name]]:
            order.extend(ready)
            for step in ready:
                waiting.pop(step.name, None)
            for needs in waiting.values():
                needs.difference_update(step.name for step in ready)
        if waiting:
            name = _of_a_cycle(waiting)
            self.wrong(
                ("steps", numbers[name[0]], "needs"),
                f"these steps wait for each other for ever: {' -> '.join([*name, name[0]])}",
            )
        return tuple(order)

    def compiled(self, path: Path, written: Mapping[str, Any]) -> Any:
        try:
            return compiled(written)
        except ExpressionInvalid as error:
            self.wrong(path, f"not an expression (JMESPath): {error}")
            return dict

    def condition(self, path: Path, text: Any) -> Any:
        try:
            if not isinstance(text, str):
                raise ExpressionInvalid(f"{text!r} is not a text")
            return condition(text)
        except ExpressionInvalid as error:
            self.wrong(path, f"not an expression (JMESPath): {error}")
            return None

    def wrong(self, path: Path, text: str) -> None:
        self.problems.append(Problem(path, text))

    def known(self, path: Path, entry: Mapping[str, Any], keys: set[str]) -> None:
        for key in entry:
            if key not in keys:
                self.wrong((*path, key), f"there is no key {key!r} here; known are: {', '.join(sorted(keys))}")

    def text(self, path: Path, entry: Mapping[str, Any], key: str, default: str) -> str:
        return self.of_kind(path, entry, key, str, "a text", default)

    def table(self, path: Path, entry: Mapping[str, Any], key: str) -> dict[str, Any]:
        return self.of_kind(path, entry, key, dict, "a table", {})

    def of_kind(
        self, path: Path, entry: Mapping[str, Any], key: str, kind: type[_Kind], called: str, default: _Kind
    ) -> _Kind:
        value = entry.get(key, default)
        if not isinstance(value, kind):
            self.wrong((*path, key), f"`{key}` is {called}")
            return default
        return value

    def choice(self, path: Path, entry: Mapping[str, Any], key: str, choices: tuple[str, ...], default: str) -> str:
        value = entry.get(key, default)
        if value not in choices:
            self.wrong((*path, key), f"`{key}` is one of: {', '.join(choices)}")
            return default
        return str(value)

    def length(self, path: Path, entry: Mapping[str, Any], key: str, default: float, *, least: float = 0.001) -> float:
        """Seconds as a number, or a text such as 30s, 5m, 2h."""
        value = entry.get(key, default)
        try:
            seconds = float(clock.length(value)) if isinstance(value, str) else float(value)
            if isinstance(value, bool) or not least <= seconds <= 400 * DAY:
                raise ValueError
        except (clock.NotALength, TypeError, ValueError):
            self.wrong((*path, key), f"`{key}` is a number of seconds, or a text such as 30s, 5m or 2h")
            return default
        return seconds


def _of_a_cycle(waiting: Mapping[str, set[str]]) -> list[str]:
    """The steps of one cycle among those that are left, in the order in which they wait."""
    seen: list[str] = []
    name = next(iter(waiting))
    while name not in seen:
        seen.append(name)
        name = next(need for need in sorted(waiting[name]) if need in waiting)
    return seen[seen.index(name) :]
