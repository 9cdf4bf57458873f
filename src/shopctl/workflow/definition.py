"""A workflow's definition: steps that need each other, as data; read, checked and made ready to run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from shopctl.workflow.expressions import Value
from shopctl.workflow.waits import RetryPolicy

ON_FAILURE = ("compensate", "park", "continue")
"""What a step that failed for good means: what passed is undone, an operator decides, or the run goes on without."""

DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Compensation:
    """What undoes a step that has passed."""

    action: str
    values: Value
    retry: RetryPolicy
    written: Mapping[str, Any]  # its `with` as it stands in the definition


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `values` and `when` are functions of {"input", "steps": {name: output}, "run"}."""

    name: str
    title: str
    action: str
    values: Value
    written: Mapping[str, Any]  # its `with` as it stands in the definition
    needs: tuple[str, ...]
    when: Callable[[Mapping[str, Any]], bool] | None
    condition: str | None  # `when` as written
    seconds: float  # how long one call may take
    wait: float  # how long it may wait for a signal, in seconds
    key_lifetime: float  # how long the other side remembers a key, in seconds
    retry: RetryPolicy
    compensation: Compensation | None
    undoable: bool  # False when the definition says that there is nothing to undo
    on_failure: str
    downstream: str | None


class Downstream(NamedTuple):
    """What is asked of at most so often: calls at once, calls a second, and failures in a row until it is let be."""

    name: str
    concurrency: int | None = None
    per_second: float | None = None
    failures: int | None = None
    rest: float = 30.0  # seconds until one call tries again


@dataclass(frozen=True)
class Definition:
    """One version of a workflow; `steps` stand in an order in which each comes after all that it needs."""

    name: str
    version: int
    title: str
    steps: tuple[Step, ...]
    downstreams: Mapping[str, Downstream] = field(default_factory=dict)
    result: Value | None = None  # what a completed run leaves behind, a function of the same scope as `values`
    body: str = "{}"  # canonical JSON of what it was read from

    @cached_property
    def by_name(self) -> dict[str, Step]:
        """The steps by their names."""
        return {step.name: step for step in self.steps}

    @cached_property
    def actions(self) -> frozenset[str]:
        """The names of all actions that it calls, compensations too."""
        undoing = {step.compensation.action for step in self.steps if step.compensation}
        return frozenset({step.action for step in self.steps} | undoing)


def canonical(body: Mapping[str, Any]) -> str:
    """The same text for the same definition, however its file was laid out."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
