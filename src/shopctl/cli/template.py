"""`shopctl template`: how products are provisioned."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from shopctl.cli.options import Context
from shopctl.kernel.errors import one_line

noun = typer.Typer(help="Templates: how products are provisioned.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="TEMPLATE", help="The template's name, or a file.")]
Operation = Annotated[
    str, typer.Option("--operation", metavar="NAME", help="start, modify, suspend, resume, terminate or upgrade.")
]
INVALID = 12


@noun.command("list")
def list_(ctx: Context) -> None:
    """List templates and the products they are for."""
    shop = ctx.obj
    shop.show(
        shop.services.template_checks.list(),
        columns=("name", "title", "select", "operations", "steps", "source"),
        empty="no templates",
    )


@noun.command()
def show(ctx: Context, template: Name) -> None:
    """Show a template with all that it inherits."""
    shop = ctx.obj
    found = shop.services.template_checks.show(template)
    shop.show(found, text=lambda: _text(found))


@noun.command()
def validate(
    ctx: Context,
    templates: Annotated[
        list[str] | None, typer.Argument(metavar="[TEMPLATE...]", help="Names or files; all templates if none.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Take warnings for errors.")] = False,
) -> None:
    """Check templates: what cannot be read, is never reached, calls what there is not, or is not undone."""
    shop = ctx.obj
    found = shop.services.template_checks.validate(templates or ())

    def text() -> str:
        lines = [f"{row['source']}:{row['line']}:{row['column']}: {row['severity']}: {row['message']}" for row in found]
        return "\n".join(map(one_line, lines)) or "all is well"

    shop.show(found, text=text)
    if any(strict or row["severity"] == "error" for row in found):
        raise typer.Exit(INVALID)


@noun.command()
def graph(
    ctx: Context,
    template: Name,
    operation: Operation = "start",
    form: Annotated[
        Literal["text", "mermaid"], typer.Option("--format", help="A drawing for the terminal, or Mermaid.")
    ] = "text",
) -> None:
    """Draw a template's steps."""
    shop = ctx.obj
    drawn: dict[str, Any] = shop.services.template_checks.graph(template, operation)
    shop.show(drawn, text=lambda: str(drawn["mermaid" if form == "mermaid" else "drawing"]))


@noun.command()
def install(
    ctx: Context,
    template: Name,
    name: Annotated[str | None, typer.Option("--as", metavar="NAME", help="Under another name.")] = None,
) -> None:
    """Put a template into the shop's own folder: a file that was checked, or one that comes along, to be changed."""
    shop = ctx.obj
    path: Path = shop.services.template_checks.install(template, name)
    shop.note(f"installed as {path}")


def _text(template: dict[str, Any]) -> str:
    """As it is written; what it becomes with all that it inherits follows as a comment."""
    text = str(template["text"])
    if template["extends"] is None:
        return text
    lines = [f"# With what it inherits from {template['extends']}:"]
    for operation, steps in template["operations"].items():
        lines += ["#", f"# {operation}"]
        for step in steps:
            facts = [step["step"], step["action"]]
            facts += [f"when {step['when']}"] if step["when"] else []
            facts += [f"undone by {step['undone_by']}"] if step["undone_by"] else []
            facts += ["(inherited)"] if step["inherited"] else []
            lines.append(f"#   {'  '.join(facts)}")
            lines += [
                f"#       {name} = {json.dumps(value, ensure_ascii=False)}" for name, value in step["with"].items()
            ]
    if names := template["parameters"].get("properties"):
        lines += ["#", f"# parameters: {', '.join(names)}"]
    return "\n".join([text.rstrip(), "", *map(one_line, lines)])
