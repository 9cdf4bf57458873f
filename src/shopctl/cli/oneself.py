"""Whoever changes what he logs in with shows first that he is still the one who logged in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shopctl.cli import secrets

if TYPE_CHECKING:
    from shopctl.cli.shop import Shop

CurrentPasswordFile = Annotated[
    Path | None,
    typer.Option(
        "--current-password-file",
        metavar="FILE",
        help="Your present password, on the first line of FILE; a one-time code on the second.",
    ),
]


def prove_oneself(shop: Shop, name: str, file: Path | None, *, with_factor: bool) -> None:
    """Ask for the present password (OWASP ASVS 5.0, 6.2.3 and 7.5.1) of somebody who acts for want of `user:write`.

    Where it is given it is verified in any case. Guesses are throttled as logins are. `with_factor` asks for a code
    too, where there is a second factor. Raises LoginRefused, Throttled, CodeNeeded, CannotAsk.
    """
    if file is None and not shop.for_oneself:
        return
    from shopctl.auth.errors import CodeNeeded
    from shopctl.cli.token import source

    code = None
    if file is not None:
        password, code = [*secrets.file_lines(file, "password"), ""][:2]
        code = secrets.remembered(code.strip()) or None
    else:
        password = shop.secret(f"Present password of {name}", flag="--current-password-file FILE")
    logins, place = shop.services.logins, source(shop.environ)
    secrets.remembered(password)
    try:
        logins.prove(name, password, code=code, source=place, with_factor=with_factor)
    except CodeNeeded:
        if not shop.interactive:
            raise
        code = secrets.remembered(shop.secret("One-time code", flag="--current-password-file FILE"))
        logins.prove(name, password, code=code, source=place)
