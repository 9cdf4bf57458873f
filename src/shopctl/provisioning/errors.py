"""What can go wrong with provisioning, by name."""

from __future__ import annotations

from typing import Any

from shopctl.kernel.errors import Conflict, InvalidData, NotAllowed, NotFound, RemoteFailed, UsageError


class TemplateNotFound(NotFound):
    """There is no template {name}."""

    code = "provisioning.template_not_found"
    hint = "See those there are with: shopctl template list"


class TemplateUnreadable(NotFound):
    """The template {file} cannot be read: {reason}."""

    code = "provisioning.template_unreadable"
    hint = "See the shop's templates with: shopctl template list"


class SeveralTemplates(Conflict):
    """Several templates fit {sku} equally well: {names}."""

    code = "provisioning.several_templates"
    hint = "Let one of them select it more closely, by its SKU or an attribute."


class TemplateInvalid(InvalidData):
    """{source}, line {line}: {problem}"""

    code = "provisioning.template_invalid"
    hint = "See all that is wrong with it with: shopctl template validate {source}"


class TemplateExists(Conflict):
    """There is a file {file} already."""

    code = "provisioning.template_exists"
    hint = "Look at it with: shopctl template show {name}"


class NotSold(Conflict):
    """The product {sku} is {status} and cannot be provisioned."""

    code = "provisioning.not_sold"
    hint = "Publish it with: shopctl catalogue publish {sku}"


class OutOfStock(Conflict):
    """Only {available} of {sku} are left, {wanted} were asked for."""

    code = "provisioning.out_of_stock"
    hint = "See who holds the rest with: shopctl stock reservations {sku}"


class InvalidCount(UsageError):
    """{quantity} of a product cannot be provisioned."""

    code = "provisioning.invalid_quantity"
    hint = "Ask for one or more."


class OperationUnknown(Conflict):
    """The template {template} of {sku} says nothing about how to {operation} it."""

    code = "provisioning.operation_unknown"
    hint = "Add [[operations.{operation}.steps]] to it; see: shopctl template show {template}"


class OperationRunning(Conflict):
    """The instance {instance} is being changed by the run {run}."""

    code = "provisioning.operation_running"
    hint = "Wait for it with: shopctl provision watch {run}"


class PartGivenUp(Conflict):
    """The run {id} is {state} and a part of {parent}, which begins it anew when it is tried again itself."""

    code = "provisioning.part_given_up"
    hint = "See what is to become of the whole with: shopctl provision show {parent}"


class ParametersInvalid(InvalidData):
    """{sku} cannot be provisioned so: {first}"""

    code = "provisioning.parameters_invalid"
    hint = "See what it may be given with: shopctl provision plan {sku}"

    def __init__(self, *, problems: list[dict[str, Any]], **facts: object) -> None:
        self.problems = problems
        super().__init__(**facts, first=_line(problems[0]))

    @property
    def details(self) -> dict[str, object]:
        return {"problems": self.problems}

    @property
    def lines(self) -> list[str]:
        return [_line(problem) for problem in self.problems[1:]]


class RunFailed(RemoteFailed):
    """The run {id} is {state}: {step}: {message}"""

    code = "provisioning.run_failed"
    hint = "See why with: shopctl provision show {id}; then: shopctl provision retry {id}"


class NoLicenceKeyLeft(Conflict):
    """The pool {pool} has no licence key left."""

    code = "licence_key.none_left"
    hint = "Add keys to the pool; the step is tried again."
    retryable = True


class LicenceKeyNotFound(NotFound):
    """There is no licence key {id}."""

    code = "licence_key.not_found"
    hint = "The id stands in the output of the step that claimed it."


class LicenceKeyInvalid(InvalidData):
    """Line {line} is no licence key: {reason}."""

    code = "licence_key.invalid"
    hint = "Give one key a line; nothing was added."


class PoolInvalid(UsageError):
    """{pool!r} cannot name a pool of licence keys."""

    code = "licence_key.pool"
    hint = "Use lower case letters, digits, dots, hyphens and underscores, 63 at most."


class PathInvalid(UsageError):
    """{path!r} cannot be the path of a download."""

    code = "download.path"
    hint = "Write it from the folder of downloads on, such as manuals/mug-1.pdf."


class DownloadRefused(NotAllowed):
    """The download is refused: {reason}."""

    code = "download.refused"
    hint = "Use the link as it is."


class DownloadOver(NotAllowed):
    """The link to this download is over."""

    code = "download.over"
    hint = "Ask the shop for another one."


class ParameterUnreadable(UsageError):
    """{text!r} sets nothing."""

    code = "provisioning.parameter_unreadable"
    hint = (
        "Write NAME=VALUE, such as region=eu; a value that is JSON keeps its type, such as seats=5 or tags='[\"a\"]'."
    )


def _line(problem: dict[str, Any]) -> str:
    field = f"{problem['field']}: " if problem["field"] else ""
    return f"{field}{problem['message']}"
