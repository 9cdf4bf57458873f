"""Help texts: plain, quick, and as wide as the terminal up to a readable 100 columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shopctl.cli.global_options import GLOBAL_OPTIONS

_INDENT = "  "
_WIDEST_NAME = 30


def root_help() -> str:
    """What `shopctl --help` prints; typer is not needed for it."""
    from shopctl.cli import app

    own = app.COMMANDS.items()
    sections = [
        "Usage: shopctl NOUN VERB [ARGUMENTS] [OPTIONS]",
        "Runs a shop of provisionable products from the command line.",
        _section("Start here", ((name, entry.help) for name, entry in own if entry.function is not None)),
        _section("Nouns", ((name, entry.help) for name, entry in own if entry.function is None)),
        _section("From plugins", ((name, about) for name, (_, about) in app.plugin_commands().items())),
        _section("Options of every command", ((option.usage, option.help) for option in GLOBAL_OPTIONS)),
        _section(
            "Options of shopctl itself",
            [
                ("--help", "Show this, or the help of the command before it."),
                ("--version", "Show the version; with -v also what it runs on."),
            ],
        ),
        "Examples:\n  shopctl demo\n  shopctl catalogue list -o json --fields sku,name",
    ]
    return "\n\n".join(section for section in sections if section)


def noun_help(noun: Any, ctx: Any) -> str:
    """The verbs of a noun, each with the first sentence of its docstring."""
    path = ctx.command_path
    verbs = ((name, summary(noun.get_command(ctx, name))) for name in noun.list_commands(ctx))
    own = [parameter for parameter in noun.params if not _is_global(parameter)]
    sections = [
        f"Usage: {path} VERB [ARGUMENTS] [OPTIONS]",
        _paragraphs(noun.help or ""),
        _section("Verbs", verbs),
        _section("Options", _parameters(own, ctx)),
        f"See one with: {path} VERB --help",
    ]
    return "\n\n".join(section for section in sections if section)


def verb_help(verb: Any, ctx: Any) -> str:
    """A verb's arguments and options with its docstring; global options are only named."""
    own = [parameter for parameter in verb.params if not _is_global(parameter)]
    arguments = [parameter for parameter in own if parameter.param_type_name == "argument"]
    options = [parameter for parameter in own if parameter.param_type_name == "option"]
    usage = [f"Usage: {ctx.command_path}", *(_usage(argument) for argument in arguments), "[OPTIONS]"]
    named = " ".join(_flag(parameter) for parameter in verb.params if _is_global(parameter))
    sections = [
        " ".join(usage),
        _paragraphs(verb.help or ""),
        _section("Arguments", _parameters(arguments, ctx)),
        _section("Options", _parameters(options, ctx)),
        _wrapped(f"As everywhere (see shopctl --help): {named}", hanging=_INDENT),
    ]
    return "\n\n".join(section for section in sections if section)


def summary(command: Any) -> str:
    """The first sentence of a command's help."""
    first = " ".join((getattr(command, "help", None) or "").split("\n\n")[0].split())
    head, stop, _ = first.partition(". ")
    return head + "." if stop else first


def _is_global(parameter: Any) -> bool:
    return str(parameter.name).startswith("global_")


def _flag(parameter: Any) -> str:
    return str(parameter.opts[0])


def _usage(argument: Any) -> str:
    name = argument_name(argument)
    return name if argument.required else f"[{name}]"


def argument_name(argument: Any) -> str:
    """An argument as usage lines show it: SKU, or SKU... where several are taken."""
    name = argument.metavar or str(argument.name).upper()
    return name if argument.nargs == 1 or name.endswith("...") else f"{name}..."


def option_usage(option: Any, ctx: Any) -> str:
    """An option with its value: `--limit N`, `--on-error reject-file|skip-rows`."""
    flags = ", ".join(sorted(option.opts, key=len))
    if option.secondary_opts:
        flags = f"{flags} / {', '.join(option.secondary_opts)}"
    if option.is_flag or option.count:
        return flags
    return f"{flags} {option.metavar or option.display_type(ctx).strip('<>')}"


def _parameters(parameters: list[Any], ctx: Any) -> Iterable[tuple[str, str]]:
    for parameter in parameters:
        if parameter.hidden:
            continue
        is_argument = parameter.param_type_name == "argument"
        name = argument_name(parameter) if is_argument else option_usage(parameter, ctx)
        yield name, " ".join(filter(None, (parameter.help or "", _default(parameter))))


def _default(parameter: Any) -> str:
    if parameter.required and parameter.param_type_name == "option":
        return "[required]"
    default = parameter.default
    if default in (None, False, (), [], "") or callable(default) or not parameter.show_default:
        return ""
    if isinstance(default, (list, tuple)):
        default = ",".join(str(value) for value in default)
    return f"[default: {getattr(default, 'value', default)}]"


def _section(title: str, rows: Iterable[tuple[str, str]]) -> str:
    entries = list(rows)
    if not entries:
        return ""
    column = min(max(len(name) for name, _ in entries), _WIDEST_NAME) + 4
    lines = [f"{title}:"]
    for name, about in entries:
        text = _wrapped(about, hanging=" " * column, first=" " * column)
        fits = len(name) + 4 <= column
        lines.append(f"{_INDENT}{name}".ljust(column) + text.lstrip() if fits else f"{_INDENT}{name}\n{text}".rstrip())
    return "\n".join(line.rstrip() for line in lines)


def _paragraphs(text: str) -> str:
    from inspect import cleandoc

    parts = cleandoc(text).partition("\f")[0].split("\n\n")
    # Indented paragraphs are examples and keep their lines.
    return "\n\n".join(part if part.startswith(" ") else _wrapped(part) for part in parts)


def _wrapped(text: str, hanging: str = "", first: str = "") -> str:
    # Not textwrap: it costs more to import than all else that `shopctl --help` does.
    lines, line = [], first
    for word in text.split():
        candidate = f"{line} {word}" if line.strip() else f"{line}{word}"
        if len(candidate) > _width() and line.strip():
            lines.append(line)
            candidate = f"{hanging}{word}"
        line = candidate
    return "\n".join([*lines, line])


def _width() -> int:
    import os

    given = os.environ.get("COLUMNS", "")
    if given.isdigit() and int(given):
        columns = int(given)
    else:
        try:
            columns = os.get_terminal_size(1).columns or 80
        except (OSError, ValueError):
            columns = 80
    return max(40, min(columns, 100))
