"""The application: the routers of the systems that are served, behind the guard."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from shopctl.http.errors import UnknownSystem

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from shopctl.kernel.settings import Settings

SYSTEMS = {"provisioning": ("shopctl.http.callbacks", "shopctl.http.downloads")}
"""Which modules have the routers of a system."""


def application(settings: Settings, system: str | None = None) -> ASGIApp:
    """The whole shop, or one system of it, as an ASGI application. Raises UnknownSystem."""
    check_system(system)
    from fastapi import FastAPI

    from shopctl.http import health
    from shopctl.http.guard import Guard
    from shopctl.http.problems import add_problems

    app = FastAPI(title="shopctl", openapi_url=None, redirect_slashes=False)
    app.state.settings = settings
    app.include_router(health.router)
    for name, modules in SYSTEMS.items():
        for module in modules if system in (None, name) else ():
            app.include_router(import_module(module).router)
    add_problems(app)
    return Guard(app)


def check_system(system: str | None) -> None:
    """Raise UnknownSystem for what cannot be served."""
    if system is not None and system not in SYSTEMS:
        raise UnknownSystem(name=system, names=", ".join(SYSTEMS))
