"""Command lines for every verb, made from the program's own tree, so that a new verb is covered without being named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from shopctl.cli import app
from shopctl.cli.root import Root
from shopctl.cli.shop import Shop


class Verb(NamedTuple):
    """A verb and how it is called."""

    path: tuple[str, ...]
    arguments: list[Any]
    options: list[Any]

    def line(self, value: Callable[[str], str], *, optional: bool) -> list[str]:
        """A command line: `value` gives the text for a parameter of that name, `optional` takes every option along."""
        words = list(self.path)
        for option in self.options:
            if option.required or (optional and not option.is_flag and not option.hidden):
                words += [option.opts[0], _text(option, value)]
        after = [_text(argument, value) for argument in self.arguments if argument.required or optional]
        return [*words, *after]


def verbs_of(name: str) -> Iterator[Verb]:
    """The verbs of a root command, or the command itself."""
    root = Root.make()
    with root.make_context("shopctl", [name], obj=Shop(environ={})) as ctx:
        yield from _walk(root.get_command(ctx, name), (name,), ctx)


def _walk(command: Any, path: tuple[str, ...], ctx: Any) -> Iterator[Verb]:
    if hasattr(command, "list_commands"):
        for name in command.list_commands(ctx):
            yield from _walk(command.get_command(ctx, name), (*path, name), ctx)
        return
    own = list(command.params)
    yield Verb(
        path,
        [parameter for parameter in own if parameter.param_type_name == "argument"],
        [parameter for parameter in own if parameter.param_type_name == "option" and parameter.name != "help"],
    )


def names() -> list[str]:
    """Every root command."""
    return list(app.COMMANDS)


def _text(parameter: Any, value: Callable[[str], str]) -> str:
    kind = parameter.type
    if choices := getattr(kind, "choices", None):
        return str(next(iter(choices)))
    if "int" in kind.name or "float" in kind.name:
        return "1"
    return value(parameter.name)


