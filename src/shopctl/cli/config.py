"""`shopctl config`: the settings in force, and where each came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from shopctl.cli.options import Context

noun = typer.Typer(help="The settings and where each came from.", no_args_is_help=True)

Name = Annotated[str | None, typer.Argument(metavar="NAME", help="One setting, or a group such as search.")]


@noun.command()
def show(ctx: Context, name: Name = None) -> None:
    """Show the settings in force, as name and value; secrets are masked."""
    values = {row["name"]: row["value"] for row in ctx.obj.settings.explain(name)}
    ctx.obj.show(values, text=lambda: "\n".join(_assignments(values)))


@noun.command()
def explain(ctx: Context, name: Name = None) -> None:
    """Explain each setting: its value, where it came from, what it is for; secrets are masked."""
    ctx.obj.show(ctx.obj.settings.explain(name), columns=("name", "value", "source", "doc"))


@noun.command()
def path(ctx: Context) -> None:
    """Show the files that settings are read from, the strongest first, and the shop's own folder."""
    settings = ctx.obj.settings
    ctx.obj.show(
        {
            "files": [str(file) for file in settings.files],
            "profile": settings.profile,
            "home": str(settings.home),
        }
    )


def _assignments(values: Mapping[str, Any]) -> Iterator[str]:
    """The values that are set, as a line of `shopctl.toml` each."""
    import json

    # Text, numbers, true, false and lists of text are written alike in JSON and TOML.
    return (f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items() if value is not None)
