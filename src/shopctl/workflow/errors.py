"""What can go wrong with workflows, by name."""

from __future__ import annotations

from typing import Any

from shopctl.kernel.errors import Conflict, InvalidData, NotFound, UsageError


class NotToml(InvalidData):
    """{source} is not TOML: {reason}."""

    code = "workflow.not_toml"
    hint = "Mend the line that is named; the format is described at https://toml.io."

    def __init__(self, *, line: int = 1, column: int = 1, **facts: object) -> None:
        self.line, self.column = line, column
        super().__init__(**facts)


class DefinitionInvalid(InvalidData):
    """{source} does not describe a workflow: {first}."""

    code = "workflow.definition_invalid"
    hint = "Mend every place that is named, then check it with: shopctl template validate FILE"

    def __init__(self, *, problems: list[dict[str, Any]], **facts: object) -> None:
        self.problems = problems
        super().__init__(**facts, first=_line(problems[0]) if problems else "")

    @property
    def details(self) -> dict[str, object]:
        return {"problems": self.problems}

    @property
    def lines(self) -> list[str]:
        return [_line(problem) for problem in self.problems[1:]]


class DefinitionNotFound(NotFound):
    """There is no workflow {name!r}."""

    code = "workflow.definition_not_found"
    hint = "See those there are with: shopctl template list"


class RunNotFound(NotFound):
    """There is no run {id!r}."""

    code = "workflow.run_not_found"
    hint = "See those there are with: shopctl provision list"


class RunEnded(Conflict):
    """The run {id} is {state}; it cannot be {wanted}."""

    code = "workflow.run_ended"
    hint = "See its story with: shopctl provision show {id}"


class StepNotFound(NotFound):
    """The run {id} has no step {step!r}; its steps are: {steps}."""

    code = "workflow.step_not_found"
    hint = "See its steps with: shopctl provision show {id}"


class StepPassed(Conflict):
    """The step {step} of the run {id} is {state}; there is nothing to skip."""

    code = "workflow.step_passed"
    hint = "See its steps with: shopctl provision show {id}"


class NotWaitedFor(Conflict):
    """The run {id} is not waiting for {name!r}."""

    code = "workflow.not_waited_for"
    hint = "See what it waits for with: shopctl provision show {id}"


class KeyEmpty(UsageError):
    """The idempotency key is empty."""

    code = "workflow.key_empty"
    hint = "Give a key of its own for each thing that is to be started; is a variable of a script not set?"


class KeyReused(Conflict):
    """The idempotency key {key!r} was used before, for something else."""

    code = "workflow.key_reused"
    hint = "Use a key of its own for each thing that is to be started."


def _line(problem: dict[str, Any]) -> str:
    where = f"line {problem['line']}, column {problem['column']}" if "line" in problem else problem.get("path", "")
    return f"{where}: {problem['message']}" if where else str(problem["message"])
