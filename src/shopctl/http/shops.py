"""The shop behind the requests: opened for each of them in a thread of its own, closed when it is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from anyio import to_thread
from fastapi import Request

from shopctl.bootstrap import Services
from shopctl.http.errors import Unavailable
from shopctl.kernel import logging
from shopctl.kernel.errors import ShopctlError
from shopctl.kernel.settings import Settings

Answer = TypeVar("Answer")


async def with_shop(request: Request, use: Callable[[Services], Answer], *, abandon: bool = False) -> Answer:
    """What `use` makes of the shop, in a thread: a database is used by the thread that opened it alone.

    `abandon` lets whoever asked leave before the thread has ended. Raises what `use` raises.
    """
    settings: Settings = request.app.state.settings
    return await to_thread.run_sync(_used, settings, use, abandon_on_cancel=abandon)


def opened(services: Services) -> Services:
    """The same services, with their database open. Raises Unavailable where it cannot be used."""
    try:
        _ = services.database
    except ShopctlError as trouble:
        logging.error("the database cannot be used", code=trouble.code, error=trouble.message)
        raise Unavailable() from None
    return services


def _used(settings: Settings, use: Callable[[Services], Answer]) -> Answer:
    services = Services(settings)
    try:
        return use(services)
    finally:
        services.close()
