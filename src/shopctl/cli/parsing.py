"""Commands as typer parses them: nouns that build a verb when it is called, and the global options on every one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from copy import copy
from typing import Annotated, Any, Literal, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from shopctl.cli.global_options import GLOBAL_OPTIONS, GlobalOption
from shopctl.cli.shop import Shop
from shopctl.cli.values import read_quickly
from shopctl.kernel.errors import UsageError

_NEGATIVE_NUMBER = re.compile(r"^-\d+([.,]\d+)*$")


class _Shared:
    """The global options as parameters, built once for all commands of this process."""

    parameters: list[Any] | None = None

    @classmethod
    def beside(cls, own: Iterable[Any]) -> list[Any]:
        """The global options a command does not hide with an option of its own."""
        if cls.parameters is None:
            cls.parameters = _global_parameters()
        taken = {flag for parameter in own for flag in (*parameter.opts, *parameter.secondary_opts)}
        return [parameter for parameter in cls.parameters if taken.isdisjoint(parameter.opts)]


def _global_parameters() -> list[Any]:
    # typer reads a function's signature, so the table becomes the signature of a function that does nothing.
    def declared() -> None: ...

    import inspect

    parameters = []
    for option in GLOBAL_OPTIONS:
        annotation, default = _annotation(option), None if option.takes_value else False
        # The prefix keeps them apart from a verb's own parameters, such as the QUERY of a search.
        parameters.append(
            inspect.Parameter(
                f"global_{option.name}", inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
            )
        )
    declared.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    declared.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    shared: list[Any] = list(_single(declared).params)
    for parameter in shared:
        parameter.expose_value = False
        parameter.callback = _remember
    read_quickly(shared)
    return shared


def _annotation(option: GlobalOption) -> Any:
    declaration = typer.Option(*option.flags, metavar=option.metavar or None, help=option.help)
    if option.choices:
        return Annotated[Literal[option.choices], declaration]
    return Annotated[str if option.takes_value else bool, declaration]


def _remember(ctx: Any, parameter: Any, value: Any) -> None:
    # Outer commands are parsed first, so the option nearest to the end of the line wins.
    if value is not None and value is not False and isinstance(ctx.obj, Shop):
        setattr(ctx.obj.globals, parameter.name.removeprefix("global_"), value)


def _single(function: Callable[..., Any], **settings: Any) -> Any:
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    alone.command(**settings)(function)
    return typer.main.get_command(alone)


class _Quick:
    """What verbs and nouns have in common: no parameter of theirs, not even --help, needs pydantic."""

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)  # type: ignore[misc]
        if option is not None:
            read_quickly([option])
        return option


class _Gated:
    """What every verb has, a plugin's of another class too: whether the caller may run it is asked before it runs."""

    def invoke(self, ctx: Any) -> Any:
        if isinstance(ctx.obj, Shop):
            from shopctl.cli.gate import admit

            admit(ctx.obj, command_of(ctx), ctx.params)
        return super().invoke(ctx)  # type: ignore[misc]


class Verb(_Gated, _Quick, TyperCommand):
    """A command that does something."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        read_quickly(self.params)
        self.params.extend(_Shared.beside(self.params))
        if any(_NEGATIVE_NUMBER.match(argument) for argument in args):
            ctx.ignore_unknown_options = True
        return super().parse_args(ctx, args)

    def get_help(self, ctx: Any) -> str:
        from shopctl.cli.help import verb_help

        return verb_help(self, ctx)


class Noun(_Quick, TyperGroup):
    """A group of verbs made from a `typer.Typer`; only the verb that is called is built."""

    @classmethod
    def of(cls, name: str, declared: typer.Typer, about: str = "") -> Noun:
        """Wrap what a noun's module declares; a callback with options of its own is kept."""
        callback, parameters = None, []
        if declared.registered_callback is not None:
            frame = typer.Typer(add_completion=False, rich_markup_mode=None)
            frame.registered_callback = declared.registered_callback
            group: Any = typer.main.get_command(frame)
            callback, parameters = group.callback, list(group.params)
        described = about or (declared.info.help if isinstance(declared.info.help, str) else "")
        noun = cls(name=name, help=described, callback=callback, params=parameters, rich_markup_mode=None)
        noun.declared = declared
        return noun

    declared: typer.Typer

    def list_commands(self, ctx: Any) -> list[str]:
        """Verbs in the order of their module, then nested nouns."""
        return [*self._verbs(), *self._nouns()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Build one verb or nested noun; None for an unknown one."""
        if (info := self._verbs().get(cmd_name)) is not None:
            info = copy(info)
            if info.cls is TyperCommand or info.cls is None:
                info.cls = Verb
            elif not issubclass(info.cls, _Gated):
                info.cls = type(info.cls.__name__, (_Gated, info.cls), {})
            alone = typer.Typer(add_completion=False, rich_markup_mode=None)
            alone.registered_commands.append(info)
            command: Any = typer.main.get_command(alone)
            command.name = cmd_name
            return command
        if (inner := self._nouns().get(cmd_name)) is not None:
            return Noun.of(cmd_name, inner)
        return None

    def _verbs(self) -> dict[str, Any]:
        return {
            info.name or info.callback.__name__.strip("_").lower().replace("_", "-"): info
            for info in self.declared.registered_commands
            if info.callback is not None
        }

    def _nouns(self) -> dict[str, typer.Typer]:
        names = (
            (_text(info.name) or _text(info.typer_instance.info.name), info.typer_instance)  # type: ignore[union-attr]
            for info in self.declared.registered_groups
        )
        return {name: inner for name, inner in names if name and inner is not None}

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        read_quickly(self.params)
        self.params.extend(_Shared.beside(self.params))
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        if not ctx._protected_args and not ctx.args:
            raise NoVerb(noun=ctx.command_path, verbs=", ".join(self.list_commands(ctx)))
        return super().invoke(ctx)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            self.not_found(ctx, args[0])
        return super().resolve_command(ctx, args)

    def not_found(self, ctx: Any, word: str) -> NoReturn:
        """Refuse an unknown verb, naming the nearest ones."""
        remedy = suggestion(ctx.command_path, word, self.list_commands(ctx))
        raise UsageError(
            problem=f"{ctx.command_path} has no command {word!r}.", remedy=remedy or f"See: {ctx.command_path} --help"
        )

    def get_help(self, ctx: Any) -> str:
        from shopctl.cli.help import noun_help

        return noun_help(self, ctx)


class NoVerb(UsageError):
    """{noun} needs a command."""

    code = "usage.no_command"
    hint = "One of: {verbs}; see {noun} --help"


def suggestion(path: str, word: str, known: Iterable[str]) -> str:
    """`Did you mean: shopctl catalogue list`, or nothing."""
    from difflib import get_close_matches

    names = list(known)
    # Two swapped letters, the commonest slip, weigh too much in difflib's measure.
    near = [name for name in names if sorted(name) == sorted(word)] or get_close_matches(word.lower(), names, n=2)
    return f"Did you mean: {' or '.join(f'{path} {name}' for name in near)}" if near else ""


def all_parameters(command: Any) -> list[Any]:
    """A command's own parameters, then the global options."""
    return [*command.params, *_Shared.beside(command.params)]


def command_of(ctx: Any) -> str:
    """The words that name a command, such as `catalogue set`."""
    words: list[str] = []
    while ctx.parent is not None:
        words.insert(0, ctx.info_name)
        ctx = ctx.parent
    return " ".join(words)


def verb_of(name: str, function: Callable[..., Any]) -> Any:
    """A verb that stands at the root, from its function."""
    return _single(function, name=name, cls=Verb)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
