"""Why a call to a configured URL failed, and whether the other side may have received it."""

from __future__ import annotations

from typing import ClassVar

from shopctl.kernel.errors import NotAllowed, RemoteFailed, ShopctlError, UsageError


class OutgoingError(ShopctlError):
    """A call to another system failed.

    `sent` says whether the request may have arrived: callers repeat one that was not sent as they like, and one that
    may have been received only where that does no harm.
    """

    sent: ClassVar[bool] = False


class UrlRefused(OutgoingError, UsageError):
    """The URL {url} cannot be called: {reason}."""

    code = "outgoing.url"
    hint = "Write it as https://host/path, the host by its name or its plain address."


class HeaderRefused(OutgoingError, UsageError):
    """The header {name} cannot be sent: {reason}."""

    code = "outgoing.header"
    hint = "Leave it out, or write it on one line."


class AllowanceInvalid(OutgoingError, UsageError):
    """network.allow_private: {entry!r} is no host, address or network."""

    code = "outgoing.allowance"
    hint = "Write a host (erp.internal), a host with its port (localhost:8080), an address or a network (10.1.0.0/16)."


class AddressRefused(OutgoingError, NotAllowed):
    """{host} is at {address}, which is {kind}: outgoing calls go there only where network.allow_private names it."""

    code = "outgoing.address"
    hint = "If it is meant, add the host to network.allow_private; link-local ones by their address."


class NameUnknown(OutgoingError, RemoteFailed):
    """The name {host} has no address: {reason}."""

    code = "outgoing.name"
    hint = "Check the name, and the name server of this machine."


class NoConnection(OutgoingError, RemoteFailed):
    """{origin} cannot be reached: {reason}."""

    code = "outgoing.no_connection"
    hint = "Check that the other system runs and can be reached from here. Nothing was sent."


class CertificateRefused(OutgoingError, RemoteFailed):
    """{origin} does not prove who it is: {reason}."""

    code = "outgoing.certificate"
    hint = "Have its certificate renewed; an authority of your own is named by SSL_CERT_FILE. Nothing was sent."


class NoAnswer(OutgoingError, RemoteFailed):
    """{origin} gave no answer: {reason}."""

    code = "outgoing.no_answer"
    hint = "It may have received the request: look there before it is sent under another key."
    sent = True


class AnswerTooLarge(OutgoingError, RemoteFailed):
    """The answer of {origin} is larger than {limit} bytes."""

    code = "outgoing.too_large"
    hint = "Ask it for less."
    retryable = False
    sent = True


class RedirectRefused(OutgoingError, RemoteFailed):
    """{origin} redirects {problem}."""

    code = "outgoing.redirect"
    hint = "Give the address that it leads to."
    retryable = False
