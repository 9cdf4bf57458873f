"""`shopctl serve`: the shop over HTTP."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from shopctl.cli.options import Context

SERVE = "shopctl.http.serving"
"""Named, not imported: the command line and the network do not know each other."""


def serve(
    ctx: Context,
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", metavar="N", min=0, max=65535, help="The port; 0 takes one that is free.")
    ] = 8000,
    workers: Annotated[int, typer.Option("--workers", metavar="N", min=1, help="How many processes answer.")] = 1,
    system: Annotated[
        str | None, typer.Option("--system", metavar="NAME", help="Serve this system alone, such as provisioning.")
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option("--tls-cert", metavar="FILE", help="The certificate, with its chain (PEM).")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option("--tls-key", metavar="FILE", help="The certificate's private key (PEM).")
    ] = None,
    ready_file: Annotated[
        Path | None, typer.Option("--ready-file", metavar="FILE", help="Write the base URL to FILE once it answers.")
    ] = None,
) -> None:
    """Answer over HTTP, until it is told to end: /healthz, and /callbacks for what other systems answer later.

    SIGTERM lets requests that are on their way end, for 8 seconds at most. Whoever is not on this machine reaches it
    through a proxy that speaks TLS, or with --host, --tls-cert and --tls-key.
    """
    shop = ctx.obj
    _ = shop.services.database  # says here and now what would keep it from answering
    shop.close()
    import_module(SERVE).serve(
        shop.settings,
        host=host,
        port=port,
        workers=workers,
        system=system,
        tls=(tls_cert, tls_key),
        ready_file=ready_file,
        say=shop.note,
    )
