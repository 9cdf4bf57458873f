"""Command lines for every verb, made from the program's own tree, so that a new verb is covered without being named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import NoneType
from typing import Any, Literal, NamedTuple, get_args, get_origin

from shopctl.cli import app
from shopctl.cli.root import Root
from shopctl.cli.shop import Shop


class Parameter(NamedTuple):
    """An argument, or an option with its flag; `choices` and `number` say what it takes."""

    name: str
    flag: str
    required: bool
    switch: bool
    number: bool
    choices: tuple[str, ...]

    def text(self, value: Callable[[str], str]) -> str:
        """What stands for it on a command line."""
        return self.choices[0] if self.choices else "1" if self.number else value(self.name)


class Verb(NamedTuple):
    """A verb and what it takes of its own."""

    path: tuple[str, ...]
    parameters: list[Parameter]

    def line(self, value: Callable[[str], str], *, optional: bool) -> list[str]:
        """A command line: `value` gives the text for a parameter of that name, `optional` takes every option along."""
        words, after = list(self.path), []
        for parameter in self.parameters:
            if parameter.switch or not (parameter.required or optional):
                continue
            if parameter.flag:
                words += [parameter.flag, parameter.text(value)]
            else:
                after.append(parameter.text(value))
        return words + after


def names() -> list[str]:
    """Every root command."""
    return list(app.COMMANDS)


def verbs_of(name: str) -> Iterator[Verb]:
    """The verbs of a root command, or the command itself."""
    root = Root.make()
    with root.make_context("shopctl", [name], obj=Shop(environ={})) as ctx:
        yield from _walk(root.get_command(ctx, name), (name,), ctx)


def _walk(command: Any, path: tuple[str, ...], ctx: Any) -> Iterator[Verb]:
    if hasattr(command, "list_commands"):
        for name in command.list_commands(ctx):
            yield from _walk(command.get_command(ctx, name), (*path, name), ctx)
    else:
        yield Verb(path, [_parameter(found) for found in command.params if found.name != "help"])


def _parameter(found: Any) -> Parameter:
    kinds = _kinds(found.type_descriptor.annotation)
    return Parameter(
        found.name,
        max(found.opts, key=len) if found.param_type_name == "option" else "",
        found.required,
        bool in kinds,
        bool({int, float} & set(kinds)),
        tuple(str(choice) for kind in kinds if get_origin(kind) is Literal for choice in get_args(kind)),
    )


def _kinds(annotation: Any) -> list[Any]:
    """`list[str] | None` as `[str]`."""
    if get_origin(annotation) is Literal or not get_args(annotation):
        return [] if annotation is NoneType else [annotation]
    return [kind for inner in get_args(annotation) for kind in _kinds(inner)]
