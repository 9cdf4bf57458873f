"""POST /callbacks/{token}: where other systems answer later, through a URL that was signed for one step of one run."""

from __future__ import annotations

from fastapi import APIRouter, Request

from shopctl.bootstrap import Services
from shopctl.http.bodies import read_body
from shopctl.http.shops import opened, with_shop

router = APIRouter()

# What tells answers apart and finds them in the other's logs; nothing that lets anybody in.
HEADERS = ("content-type", "date", "idempotency-key", "traceparent", "user-agent", "x-request-id")
_LONGEST = 500  # characters kept of a header


@router.post("/callbacks/{token}")
async def take(request: Request, token: str) -> dict[str, str]:
    """{"status":"accepted"}, or "known" where the step has been answered.

    404 for a token that was not signed here, 410 when nobody waits any more; see `read_body` for what a body may be.
    """
    body = await read_body(request)
    headers = {name: request.headers[name][:_LONGEST] for name in HEADERS if name in request.headers}

    def answer(services: Services) -> str:
        target = opened(services).callback_signer.read(token)
        return services.callbacks.take(target, body, headers)

    return {"status": await with_shop(request, answer)}
