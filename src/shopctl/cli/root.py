"""The root command for typer: it finds a noun's module, then a plugin's, and translates what typer refuses."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import Any, NoReturn

import typer

from shopctl.cli import app
from shopctl.cli.parsing import Noun, suggestion, verb_of
from shopctl.kernel.errors import ShopctlError, UsageError


class BrokenCommand(ShopctlError):
    """The plugin that brings the command {name} does not load: {reason}"""

    code = "plugin.broken_command"
    hint = "See what is wrong with: shopctl plugin list"


class Root(Noun):
    """`shopctl` itself."""

    @classmethod
    def make(cls) -> Root:
        """The root, with nothing imported yet."""
        root = cls(name="shopctl", rich_markup_mode=None)
        root.declared = typer.Typer()
        return root

    def list_commands(self, ctx: Any) -> list[str]:
        """Our own commands, then those of plugins."""
        return [*app.COMMANDS, *app.plugin_commands()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import and return one command, None for an unknown one. Raises BrokenCommand for a plugin's that fails."""
        if (entry := app.COMMANDS.get(cmd_name)) is not None:
            module = import_module(entry.module)
            if entry.function is not None:
                return verb_of(cmd_name, getattr(module, entry.function))
            return Noun.of(cmd_name, module.noun, entry.help)
        if (found := app.plugin_commands().get(cmd_name)) is not None:
            loader, about = found
            try:
                return Noun.of(cmd_name, loader(), about)
            except Exception as failure:
                raise BrokenCommand(name=cmd_name, reason=f"{type(failure).__name__}: {failure}") from failure
        return None

    def not_found(self, ctx: Any, word: str) -> NoReturn:
        """Refuse an unknown command, naming the nearest ones, or the nouns that have a verb of that name."""
        remedy = suggestion("shopctl", word, self.list_commands(ctx)) or self._verbs_called(ctx, word)
        raise UsageError(problem=f"There is no command {word!r}.", remedy=remedy or "See: shopctl --help")

    def _verbs_called(self, ctx: Any, word: str) -> str:
        paths = []
        for name, entry in app.COMMANDS.items():
            if entry.function is None:
                try:
                    noun = self.get_command(ctx, name)
                except Exception:  # noqa: S112  # a suggestion must not turn a typing mistake into another error
                    continue
                if word in noun.list_commands(ctx):
                    paths.append(f"shopctl {name} {word}")
        return f"Did you mean: {' or '.join(paths)}" if paths else ""


def usage_error(refused: typer.TyperException) -> ShopctlError:
    """What typer refused, as one of our errors with a hint."""
    ctx: Any = getattr(refused, "ctx", None)
    path = ctx.command_path if ctx is not None else "shopctl"
    option = getattr(refused, "option_name", None)
    near = getattr(refused, "possibilities", None) or []
    if near or type(refused).__name__ == "NoSuchOption":
        problem = f"{path} has no option {option}."
        nearest = get_close_matches(str(option), near, n=1)
        remedy = (
            f"Did you mean: {nearest[0]}"
            if nearest
            else f"See: {path} --help; a value that begins with a dash goes after --"
        )
        return UsageError(problem=problem, remedy=remedy)
    problem = " ".join(refused.format_message().split())
    if problem.startswith("Got unexpected extra argument"):
        # What stands too many may be a password (`user password anna PASSWORD`), so it is not repeated.
        problem = f"{path} takes fewer arguments than were given."
    return UsageError(problem=problem if problem.endswith((".", "?")) else f"{problem}.", remedy=f"See: {path} --help")
