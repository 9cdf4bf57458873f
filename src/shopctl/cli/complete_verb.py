"""Completion behind a noun: its verbs, and a verb's options, choices and ids."""

from __future__ import annotations

from typing import Any

import typer

from shopctl.cli.help import summary
from shopctl.cli.parsing import Noun, all_parameters
from shopctl.cli.root import Root


def candidates(path: list[str], before: list[str], incomplete: str) -> list[tuple[str, str]]:
    """What may stand next: `path` are the words that are not options, `before` all words before the one typed."""
    command: Any = Root.make()
    ctx: Any = typer.Context(command, info_name="shopctl", resilient_parsing=True)
    depth = 0
    for word in path:
        if not isinstance(command, Noun):
            break
        found = command.get_command(ctx, word)
        if found is None:
            return []
        command, depth = found, depth + 1
        ctx = typer.Context(command, info_name=word, parent=ctx, resilient_parsing=True)
    parameters = [parameter for parameter in all_parameters(command) if not parameter.hidden]
    options = [parameter for parameter in parameters if parameter.param_type_name == "option"]
    waiting = next((option for option in options if before and before[-1] in option.opts), None)
    if waiting is not None and not waiting.is_flag:
        return _values(waiting, ctx, incomplete)
    if incomplete.startswith("-"):
        named = [(flag, option.help or "") for option in options for flag in (*option.opts, *option.secondary_opts)]
        return [*named, ("--help", "Show help.")]
    if isinstance(command, Noun):
        return [(name, summary(command.get_command(ctx, name))) for name in command.list_commands(ctx)]
    arguments = [parameter for parameter in parameters if parameter.param_type_name == "argument"]
    if not arguments:
        return []
    position = _position(before, options) - depth
    argument = arguments[min(position, len(arguments) - 1)]
    return _values(argument, ctx, incomplete) if position < len(arguments) or argument.nargs != 1 else []


def _position(before: list[str], options: list[Any]) -> int:
    """How many words before the one typed are neither options nor their values."""
    taking = {flag for option in options if not option.is_flag for flag in option.opts}
    count, skip = 0, False
    for word in before:
        if not skip and not word.startswith("-"):
            count += 1
        skip = word in taking
    return count


def _values(parameter: Any, ctx: Any, incomplete: str) -> list[tuple[str, str]]:
    return [(str(item.value), item.help or "") for item in parameter.shell_complete(ctx, incomplete)]
