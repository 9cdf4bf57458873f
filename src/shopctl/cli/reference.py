"""The reference pages, written from the code: `python -m shopctl.cli.reference [--check | man]`.

Without arguments it writes docs/commands.md, docs/errors.md, docs/settings.md and docs/permissions.md; `--check` only
compares them and exits with 1 where they differ; `man` prints a manual page in roff.
"""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

import shopctl
from shopctl.cli import app
from shopctl.cli.global_options import GLOBAL_OPTIONS
from shopctl.cli.help import argument_name, option_usage, summary
from shopctl.cli.parsing import Noun
from shopctl.cli.permissions import OWN, PERMISSIONS
from shopctl.cli.root import Root
from shopctl.kernel.errors import ShopctlError
from shopctl.kernel.settings_table import SETTINGS

DOCS = Path("docs")
_NOTICE = "<!-- Written by `python -m shopctl.cli.reference`; change the code, not this page. -->"


def pages() -> dict[str, str]:
    """Each page's file name and text."""
    return {
        "commands.md": commands_page(),
        "errors.md": errors_page(),
        "settings.md": settings_page(),
        "permissions.md": permissions_page(),
    }


def commands() -> Iterator[tuple[str, Any, Any]]:
    """Every command that does something, as (path such as `shopctl catalogue list`, command, context)."""
    root = Root.make()
    yield from _below(root, typer.Context(root, info_name="shopctl"))


def _below(noun: Any, ctx: Any) -> Iterator[tuple[str, Any, Any]]:
    names = list(app.COMMANDS) if isinstance(noun, Root) else noun.list_commands(ctx)
    for name in names:
        command = noun.get_command(ctx, name)
        inner: Any = typer.Context(command, info_name=name, parent=ctx)
        if isinstance(command, Noun):
            yield from _below(command, inner)
        elif not command.hidden:
            yield inner.command_path, command, inner


def error_classes() -> list[type[ShopctlError]]:
    """Every error class of the project, sorted by code."""
    for module in pkgutil.walk_packages(shopctl.__path__, "shopctl."):
        if not module.name.startswith("shopctl.migrations") and not module.name.endswith("__main__"):
            import_module(module.name)
    found: dict[str, type[ShopctlError]] = {}
    waiting: list[type[ShopctlError]] = [ShopctlError]
    while waiting:
        kind = waiting.pop()
        waiting.extend(kind.__subclasses__())
        if kind.__module__.startswith("shopctl."):
            found[f"{kind.__module__}.{kind.__qualname__}"] = kind
    return sorted(found.values(), key=lambda kind: (kind.code, kind.__qualname__))


def commands_page() -> str:
    """All commands with their arguments and options."""
    parts = ["# Commands", _NOTICE, "Every command also takes the [options of every command](command-line.md#options)."]
    noun = None
    for path, command, ctx in commands():
        words = path.split()
        if len(words) > 2 and words[1] != noun:
            noun = words[1]
            parts.append(f"## {' '.join(words[:2])}\n\n{app.COMMANDS[noun].help}")
        parameters = [parameter for parameter in command.params if not parameter.hidden]
        arguments = [argument for argument in parameters if argument.param_type_name == "argument"]
        options = [option for option in parameters if option.param_type_name == "option"]
        usage = [path, *(_usage(argument) for argument in arguments)]
        parts.append(f"{'###' if len(words) > 2 else '##'} `{' '.join(usage)}`")
        parts.append((command.help or "").strip())
        rows = [(argument_name(argument), argument.help or "") for argument in arguments if argument.help]
        rows += [(option_usage(option, ctx), _with_default(option)) for option in options]
        if rows:
            parts.append("\n".join(f"- `{name}`: {text}".rstrip(": ") for name, text in rows))
    return "\n\n".join(part for part in parts if part) + "\n"


def errors_page() -> str:
    """All errors with code, exit code, message and hint."""
    lines = [
        "# Errors",
        "",
        _NOTICE,
        "",
        "Words in braces are filled in. An error marked ↻ may pass when the command is run again (`retryable`).",
        "",
        "| code | exit | message | hint |",
        "|---|---|---|---|",
    ]
    for kind in error_classes():
        message = " ".join((kind.__doc__ or "").split("\n\n")[0].split())
        hint = "" if kind.hint == "{remedy}" else kind.hint
        again = " ↻" if kind.retryable else ""
        lines.append(f"| `{kind.code}` | {kind.exit_code}{again} | {_escaped(message)} | {_escaped(hint)} |")
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    """All settings with their environment names and defaults."""
    lines = [
        "# Settings",
        "",
        _NOTICE,
        "",
        "A flag beats the environment, that the shop's `shopctl.toml`, that the user's own file, and that the default.",
        "",
        "| setting | environment | default | meaning |",
        "|---|---|---|---|",
    ]
    for setting in SETTINGS:
        default = "" if setting.default is None else f"`{setting.default}`"
        choices = f" One of {', '.join(setting.choices)}." if setting.choices else ""
        secret = " Secret." if setting.secret else ""
        reserved = " Not read by this release." if setting.reserved else ""
        meaning = f"{_escaped(setting.doc)}{choices}{secret}{reserved}"
        lines.append(f"| `{setting.name}` | `{setting.environment}` | {default} | {meaning} |")
    return "\n".join(lines) + "\n"


def permissions_page() -> str:
    """All commands with the permission that each asks for where a login is required."""
    lines = [
        "# Permissions",
        "",
        _NOTICE,
        "",
        "What each command asks for where `cli.require_login` is on; see [access.md](access.md). A word in braces is",
        "the argument of that name: the permission is asked for each of the resources it names.",
        "",
        "| permission | commands |",
        "|---|---|",
    ]
    asking: dict[str | None, list[str]] = {}
    for path, _, _ in commands():
        command = path.removeprefix("shopctl ")
        asking.setdefault(PERMISSIONS[command], []).append(command)
    for permission in sorted(asking, key=lambda each: each or ""):
        shown = f"`{permission}`" if permission else "none"
        lines.append(f"| {shown} | {', '.join(f'`{command}`' for command in asking[permission])} |")
    lines.append("| `plugin:run:NOUN` | every command of a plugin's noun |")
    own = ", ".join(f"`{command}`" for command in OWN)
    lines += ["", f"About himself everybody may run these without the permission: {own}."]
    return "\n".join(lines) + "\n"


def manual() -> str:
    """A manual page in roff (man(7))."""
    lines = [
        f'.TH SHOPCTL 1 "" "shopctl {shopctl.__version__}"',
        ".SH NAME",
        "shopctl \\- runs a shop of provisionable products",
        ".SH SYNOPSIS",
        ".B shopctl",
        "NOUN VERB [ARGUMENTS] [OPTIONS]",
        ".SH COMMANDS",
    ]
    for path, command, ctx in commands():
        options = [option for option in command.params if option.param_type_name == "option" and not option.hidden]
        arguments = [argument for argument in command.params if argument.param_type_name == "argument"]
        lines += [".TP", f".B {_roff(' '.join([path, *map(_usage, arguments)]))}", _roff(summary(command))]
        for option in options:
            text = _roff(_with_default(option)) or "\\&"
            lines += [".RS", ".TP", f".B {_roff(option_usage(option, ctx))}", text, ".RE"]
    lines.append(".SH OPTIONS OF EVERY COMMAND")
    for shared in GLOBAL_OPTIONS:
        lines += [".TP", f".B {_roff(shared.usage)}", _roff(shared.help)]
    return "\n".join(lines) + "\n"


def _usage(argument: Any) -> str:
    return argument_name(argument) if argument.required else f"[{argument_name(argument)}]"


def _with_default(option: Any) -> str:
    shown = option.default not in (None, False, (), [], "") and not callable(option.default)
    return f"{option.help or ''} (default {option.default})".strip() if shown else option.help or ""


def _escaped(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _roff(text: str) -> str:
    text = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-")
    # A line that starts with a dot or a quote would be a request.
    return f"\\&{text}" if text.startswith((".", "'")) else text


def main(arguments: list[str]) -> int:
    """Write, compare or print, as the module's docstring says."""
    if arguments == ["man"]:
        sys.stdout.write(manual())
        return 0
    differing = []
    for name, text in pages().items():
        path = DOCS / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        differing.append(name)
        if arguments != ["--check"]:
            path.write_text(text, encoding="utf-8")
    if arguments == ["--check"] and differing:
        sys.stderr.write(f"error: out of date: {', '.join(differing)}\nhint: Run: python -m shopctl.cli.reference\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
