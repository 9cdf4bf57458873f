"""GET /healthz: whether this shop can answer."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request

import shopctl
from shopctl.bootstrap import Services
from shopctl.http.errors import Unavailable
from shopctl.http.shops import opened, with_shop

router = APIRouter()

SECONDS = 5.0  # that the database may take to answer


@router.get("/healthz")
async def healthz(request: Request) -> dict[str, str]:
    """{"status":"ok","version"}; 503 while the database does not answer."""
    try:
        async with asyncio.timeout(SECONDS):
            await with_shop(request, _look, abandon=True)
    except TimeoutError:
        raise Unavailable() from None
    return {"status": "ok", "version": shopctl.__version__}


def _look(services: Services) -> None:
    with opened(services).database.read() as unit:
        unit.value("select 1")
