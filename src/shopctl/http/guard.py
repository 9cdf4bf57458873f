"""The outermost layer: every request has an id, every answer its security headers, and no error gets past it."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shopctl.http.problems import failure
from shopctl.kernel import ids, logging
from shopctl.kernel.errors import one_line

# OWASP REST Security Cheat Sheet: what answers with data is neither shown, framed, guessed at nor kept.
_HEADERS = [
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),  # the path may hold a token
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]
_OVER_TLS = [(b"strict-transport-security", b"max-age=31536000")]


class Guard:
    """An ASGI application around another one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = ids.new("req")
        own = [*_HEADERS, (b"x-request-id", request.encode()), *(_OVER_TLS if scope["scheme"] == "https" else ())]
        answered = False

        async def answer(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                message["headers"] = [*message.get("headers", ()), *own]
            await send(message)

        with logging.identified(request):
            try:
                await self._app(scope, receive, answer)
            except Exception as error:
                # Never the path: it may hold a token.
                logging.error("a request failed", error=one_line(f"{type(error).__name__}: {error}"))
                if not answered:
                    await failure()(scope, receive, answer)
