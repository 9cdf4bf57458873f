"""`shopctl plugin`: what is installed beside shopctl, and whether it works."""

from __future__ import annotations

import typer

from shopctl.cli.options import Context

noun = typer.Typer(help="The plugins that were found.", no_args_is_help=True)


@noun.command("list")
def list_(ctx: Context) -> None:
    """List the installed plugins with the hooks they implement; a broken one says what is wrong with it."""
    from shopctl.hooks.plugins import plugins

    ctx.obj.show(
        [plugin._asdict() for plugin in plugins()],
        columns=("name", "version", "hooks", "state", "error"),
        empty="no plugins are installed",
    )
