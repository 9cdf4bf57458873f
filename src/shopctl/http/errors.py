"""What can go wrong between the network and a use case, each with its HTTP status."""

from __future__ import annotations

from typing import ClassVar

from shopctl.kernel.errors import InvalidData, Locked, NotAllowed, NotFound, RemoteFailed, ShopctlError, UsageError


class NothingHere(NotFound):
    """There is nothing here."""

    code = "http.nothing_here"
    status: ClassVar[int] = 404


class BodyTooLarge(InvalidData):
    """The body is larger than {largest} bytes."""

    code = "http.body_too_large"
    status: ClassVar[int] = 413


class BodyUnsupported(InvalidData):
    """The body must be JSON or a form (application/x-www-form-urlencoded), as it is."""

    code = "http.body_unsupported"
    status: ClassVar[int] = 415


class BodyInvalid(InvalidData):
    """The body is not {kind}: {reason}."""

    code = "http.body_invalid"
    status: ClassVar[int] = 400


class BodySlow(InvalidData):
    """The body did not come within {seconds} seconds."""

    code = "http.body_slow"
    status: ClassVar[int] = 408
    retryable = True


class Unavailable(RemoteFailed):
    """The shop cannot answer now."""

    code = "http.unavailable"
    status: ClassVar[int] = 503
    hint = "See what is wrong with: shopctl doctor"


class PortInUse(Locked):
    """Something answers at {host} port {port} already."""

    code = "http.port_in_use"
    hint = "Choose another port with --port, or 0 for any that is free."


class CannotListen(UsageError):
    """{host} port {port} cannot be listened at: {reason}."""

    code = "http.cannot_listen"
    hint = "Choose an address of this machine with --host and a port above 1023 with --port."


class UnknownSystem(UsageError):
    """No system {name!r} can be served; these can: {names}."""

    code = "http.unknown_system"
    hint = "Leave out --system to serve all."


class TlsUnusable(InvalidData):
    """The certificate {cert} and the key {key} cannot be used: {reason}."""

    code = "http.tls_unusable"
    hint = "Give both --tls-cert and --tls-key: files in PEM format that belong together, the key without a password."


class ReadyFileUnwritable(NotAllowed):
    """The ready file {path} cannot be written: {reason}."""

    code = "http.ready_file"
    hint = "Name a file in a folder that you may write to."


class ServerFailed(ShopctlError):
    """The server ended by itself: {reason}."""

    code = "http.server_failed"
    hint = "The lines above say why; more of them come with --log-level debug."
    retryable = True
