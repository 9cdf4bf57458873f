"""Connections that go to the very address that was checked, within the time and with the news that a caller needs.

It is a backend of httpcore, so that what is checked is what is connected to: a name is resolved here, once, and neither
another reading of the URL nor another answer of the name server can come in between (DNS rebinding). The name stays
what the Host field and TLS speak of.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from typing import Any

import httpcore

from shopctl.kernel.errors import one_line
from shopctl.outgoing.addresses import Address
from shopctl.outgoing.allowances import Allowances
from shopctl.outgoing.errors import CertificateRefused, NameUnknown
from shopctl.outgoing.targets import address_of

Resolve = Callable[[str, int], Sequence[str]]
"""The addresses of a name. Raises OSError."""

_LONGEST_CONNECT = 10.0  # seconds for one address, where there are others to try
_PIECE = 64 << 10


class Exchange(threading.local):
    """The call that this thread makes: until when, and whether anything of it was handed to a connection.

    httpcore works in the thread that calls it, and has no limit for a call as a whole: a server that sends a byte now
    and then could hold it for ever.
    """

    deadline: float = 0.0
    sent: bool = False

    def begin(self, seconds: float) -> None:
        """A request that may take so long begins."""
        self.deadline = time.monotonic() + seconds
        self.sent = False

    def left(self, timeout: type[Exception]) -> float:
        """The seconds that are left. Raises `timeout` where there are none."""
        seconds = self.deadline - time.monotonic()
        if seconds <= 0:
            raise timeout("the time is over")
        return seconds


class CheckedBackend(httpcore.NetworkBackend):
    """Opens connections for httpcore."""

    def __init__(self, allowances: Allowances, resolve: Resolve, exchange: Exchange) -> None:
        self._allowances = allowances
        self._resolve = resolve
        self._exchange = exchange
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers. Raises NameUnknown, AddressRefused, and what httpcore does."""
        addresses = self._addresses(host, port)
        for address in addresses:
            self._allowances.check(host, port, address)
        for number, address in enumerate(addresses, 1):
            seconds = self._exchange.left(httpcore.ConnectTimeout)
            last = number == len(addresses)
            try:
                opened = self._sockets.connect_tcp(
                    str(address), port, seconds if last else min(seconds, _LONGEST_CONNECT), None, socket_options
                )
                return _Stream(opened, self._exchange)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if last:
                    raise
        raise NameUnknown(host=host, reason="there is none")

    def _addresses(self, host: str, port: int) -> list[Address]:
        own = address_of(host)
        if own is not None:
            return [own]
        answers: SimpleQueue[Sequence[str] | OSError | UnicodeError] = SimpleQueue()

        def ask() -> None:
            try:
                answers.put(self._resolve(host, port))
            except (OSError, UnicodeError) as error:
                answers.put(error)

        # The system's resolver cannot be told how long it may take.
        threading.Thread(target=ask, name="resolve", daemon=True).start()
        try:
            found = answers.get(timeout=self._exchange.left(httpcore.ConnectTimeout))
        except Empty:
            raise NameUnknown(host=host, reason="the name server does not answer") from None
        if isinstance(found, Exception):
            raise NameUnknown(host=host, reason=getattr(found, "strerror", None) or str(found)) from None
        return [ip_address(text) for text in dict.fromkeys(found)]


class _Stream(httpcore.NetworkStream):
    """A connection that keeps to the deadline of whoever uses it."""

    def __init__(self, inner: httpcore.NetworkStream, exchange: Exchange) -> None:
        self._inner = inner
        self._exchange = exchange

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._exchange.left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        view = memoryview(buffer)
        for start in range(0, len(view), _PIECE):
            seconds = self._exchange.left(httpcore.WriteTimeout)
            self._exchange.sent = True
            self._inner.write(bytes(view[start : start + _PIECE]), seconds)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        seconds = self._exchange.left(httpcore.ConnectTimeout)
        try:
            return _Stream(self._inner.start_tls(ssl_context, server_hostname, seconds), self._exchange)
        except httpcore.ConnectError as raised:
            if isinstance(raised.__cause__, ssl.SSLCertVerificationError):
                reason = one_line(raised.__cause__.verify_message)
                raise CertificateRefused(origin=server_hostname, reason=reason) from None
            raise

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def system_resolver(host: str, port: int) -> list[str]:
    """The addresses that this machine knows for a name. Raises OSError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
