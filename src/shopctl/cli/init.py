"""`shopctl init`: a shop in the current folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shopctl.cli.options import Context

_URL = "sqlite:///PATH or postgresql://USER@HOST/NAME"

Database = Annotated[str | None, typer.Option("--database", metavar="URL", help=f"The shop's database: {_URL}.")]
AuthDatabase = Annotated[str | None, typer.Option("--auth-database", metavar="URL", help="The same for users.")]


def init(ctx: Context, database: Database = None, auth_database: AuthDatabase = None) -> None:
    """Make a shop in this folder: shopctl.toml, databases, keys. A second run completes what is missing.

    Everything is private to you (0600, folders 0700). No user, password or key comes ready-made.
    """
    from shopctl.kernel.redaction import mask_url
    from shopctl.operations.new_shop import NewShop, make_shop

    shop = ctx.obj
    if any(url and mask_url(url) != url for url in (database, auth_database)):
        shop.warn("a password among the arguments can be seen by others; SHOPCTL_DATABASE_URL keeps it to yourself")

    def told(made: NewShop) -> str:
        if not made.created:
            return f"The shop in {made.folder} is complete; nothing was changed."
        verb = "Completed the shop" if made.present else "Made a shop"
        return f"{verb} in {made.folder}: {', '.join(made.created)}."

    made = make_shop(Path.cwd(), shop.environ, database_url=database, auth_database_url=auth_database)
    shop.show(made, text=lambda: told(made))
