"""The shared httpx client, over connections that are checked; loaded with the first call."""

from __future__ import annotations

import logging
import ssl
import zlib
from collections.abc import Iterator, Mapping
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpcore
import httpx

from shopctl import __version__
from shopctl.kernel.errors import one_line
from shopctl.kernel.redaction import redact
from shopctl.outgoing import errors
from shopctl.outgoing.allowances import Allowances
from shopctl.outgoing.connecting import CheckedBackend, Exchange, Resolve
from shopctl.outgoing.response import Response
from shopctl.outgoing.targets import Target

_CONNECTIONS = 200
_IDLE = 5.0  # seconds; a server that closes an idle one just as it is used leaves the outcome unknown
_LONGEST_WAIT = {"connect": 1e6, "read": 1e6, "write": 1e6, "pool": None}  # `Exchange` knows better


class Wire:
    """Sends one request at a time for each thread."""

    def __init__(self, allowances: Allowances, resolve: Resolve, tls: ssl.SSLContext | None) -> None:
        self.exchange = Exchange()
        backend = CheckedBackend(allowances, resolve, self.exchange)
        # At `info` httpx writes whole URLs, at `debug` httpcore writes header fields (S18).
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._client = httpx.Client(
            transport=_Transport(backend, tls or _system_tls()),
            trust_env=False,
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers={"user-agent": f"shopctl/{__version__}", "accept-encoding": "identity"},
        )

    def call(
        self, method: str, place: Target, headers: Mapping[str, str], content: bytes | None, limit: int
    ) -> Response:
        """Make one call before the deadline of `exchange`, without following anything."""
        self.exchange.sent = False
        try:
            # The wait for a connection counts as well.
            waits = _LONGEST_WAIT | {"pool": self.exchange.left(httpcore.PoolTimeout)}
            request = self._client.build_request(
                method, place.url, headers=dict(headers), content=content, extensions={"timeout": waits}
            )
            response = self._client.send(request, stream=True)
            try:
                body = b"".join(_limited(response, place.origin, limit))
            finally:
                response.close()
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpx.HTTPError) as raised:
            raise self._named(raised, place.origin) from None
        except httpx.InvalidURL:
            raise errors.UrlRefused(url=place.origin, reason="it is not well-formed") from None
        return Response(response.status_code, dict(response.headers), body, place.url)

    def close(self) -> None:
        self._client.close()

    def _named(self, raised: Exception, origin: str) -> errors.OutgoingError:
        timeout = isinstance(raised, httpcore.TimeoutException)
        if self.exchange.sent:
            return errors.NoAnswer(origin=origin, reason="its time is over" if timeout else _reason(raised))
        reason = "no connection in time" if timeout else _reason(raised)
        return errors.NoConnection(origin=origin, reason=reason)


class _Transport(httpx.BaseTransport):
    # Like httpx's own, which offers no way to choose how connections are opened.
    def __init__(self, backend: CheckedBackend, tls: ssl.SSLContext) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls,
            max_connections=_CONNECTIONS,
            max_keepalive_connections=_CONNECTIONS // 4,
            keepalive_expiry=_IDLE,
            network_backend=backend,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        assert isinstance(request.stream, httpx.SyncByteStream)
        answer = self._pool.handle_request(
            httpcore.Request(
                request.method,
                httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


def _limited(response: httpx.Response, origin: str, limit: int) -> Iterator[bytes]:
    """The body, unpacked although nobody asked for it packed. Raises AnswerTooLarge, NoAnswer."""
    packed = response.headers.get("content-encoding", "identity").strip().lower()
    if packed not in ("identity", "gzip"):
        raise errors.NoAnswer(origin=origin, reason=f"it is packed in a way that was not asked for: {packed[:20]}")
    unpacking = zlib.decompressobj(31) if packed == "gzip" else None
    left = limit
    for piece in response.iter_raw():
        if unpacking is not None:
            try:
                piece = unpacking.decompress(piece, left + 1)
            except zlib.error:
                raise errors.NoAnswer(origin=origin, reason="it is packed and damaged") from None
        left -= len(piece)
        if left < 0:
            raise errors.AnswerTooLarge(origin=origin, limit=limit)
        yield piece


def _reason(raised: Exception) -> str:
    return one_line(redact(str(raised)))[:200].rstrip(".") or type(raised).__name__


@cache
def _system_tls() -> ssl.SSLContext:
    """Trusts what this machine trusts (or SSL_CERT_FILE names), and the bundle that comes along where it knows none."""
    import certifi

    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"]:
        context.load_verify_locations(certifi.where())
    return context
