"""The one door for calls to configured URLs: no address inside, no endless answer, and news of what was sent (S21)."""

from __future__ import annotations

import json as encoding
import threading
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from shopctl.outgoing import errors
from shopctl.outgoing.allowances import Allowances
from shopctl.outgoing.headers import checked_headers, without_credentials
from shopctl.outgoing.response import Response
from shopctl.outgoing.targets import Target, target

if TYPE_CHECKING:
    import ssl

    from shopctl.outgoing.connecting import Resolve
    from shopctl.outgoing.transport import Wire

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110, section 9.2.1
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HOPS = 5
_LARGEST = 4 << 20


class OutgoingClient:
    """Makes calls for all threads of a process, over connections that they share.

    `allow_private` are hosts, addresses and networks that may be called although they lie inside, `allowed_bases` the
    URLs of configured gateways. Proxies and credentials in the environment are not heeded, cookies not kept. The
    constructor raises AllowanceInvalid, UrlRefused.
    """

    def __init__(
        self,
        allow_private: Iterable[str] = (),
        allowed_bases: Iterable[str] = (),
        *,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allowances = Allowances(allow_private, allowed_bases)
        self._resolve = resolve
        self._tls = tls
        self._making = threading.Lock()

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        content: bytes | None = None,
        timeout: float = 30.0,
        follow: int = _HOPS,
        limit: int = _LARGEST,
    ) -> Response:
        """Make one call, `timeout` seconds in all; redirects of safe methods are followed `follow` times.

        Any status is an answer. Raises UrlRefused, HeaderRefused, AddressRefused, NameUnknown, NoConnection,
        CertificateRefused (nothing was sent), NoAnswer, AnswerTooLarge (it may have been received), RedirectRefused.
        """
        place = target(url)
        fields = checked_headers(headers or {})
        if json is not None:
            content = encoding.dumps(json, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
            fields.setdefault("content-type", "application/json")
        wire = self._wire_of_all()
        wire.exchange.begin(timeout)
        for _ in range(follow + 1):
            response = wire.call(method, place, fields, content, limit)
            location = response.headers.get("location")
            if response.status not in _REDIRECTS or location is None or method not in SAFE or not follow:
                return response
            after = _next(place, location)
            if after.origin != place.origin:
                fields, content = without_credentials(fields), None
            place = after
        raise errors.RedirectRefused(origin=place.origin, problem=f"more than {follow} times")

    def close(self) -> None:
        """Close the connections that are kept."""
        if "_wire" in self.__dict__:
            self._wire.close()

    def _wire_of_all(self) -> Wire:
        with self._making:
            return self._wire

    @cached_property
    def _wire(self) -> Wire:
        from shopctl.outgoing.connecting import system_resolver
        from shopctl.outgoing.transport import Wire

        return Wire(self._allowances, self._resolve or system_resolver, self._tls)


def _next(place: Target, location: str) -> Target:
    after = target(urljoin(place.url, location))
    if place.scheme == "https" and after.scheme == "http":
        raise errors.RedirectRefused(origin=place.origin, problem="to an address without encryption")
    return after
