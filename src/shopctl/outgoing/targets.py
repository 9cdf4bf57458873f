"""A URL to be called, read strictly: what different programs could read differently is refused (S21)."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import NamedTuple
from urllib.parse import urlsplit

from shopctl.outgoing.addresses import Address
from shopctl.outgoing.errors import UrlRefused

PORTS = {"http": 80, "https": 443}

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
_LONGEST_NAME = 253
_LONGEST_URL = 8192


class Target(NamedTuple):
    """Where a call goes; `host` is in lower case, in ASCII, without brackets and without a final dot."""

    scheme: str
    host: str
    port: int
    rest: str  # path and query

    @property
    def origin(self) -> str:
        """Scheme, host and port: all of a URL that belongs in messages."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    @property
    def url(self) -> str:
        """The URL in its one spelling."""
        return self.origin + self.rest


def target(url: str) -> Target:
    """Read an absolute URL of the web. Raises UrlRefused."""
    if any(character <= " " or character in "\\\x7f" for character in url) or not url.isprintable():
        raise _refused(url, "it holds blanks, backslashes or control characters")
    if len(url) > _LONGEST_URL:
        raise _refused(url, "it is too long")
    try:
        parts = urlsplit(url)
        written, port = parts.netloc, parts.port
    except ValueError:
        raise _refused(url, "it is not well-formed") from None
    scheme = parts.scheme
    if scheme not in PORTS:
        raise _refused(url, "only http and https are called")
    if "@" in written:
        raise _refused(url, "a user or a password does not belong in it")
    if port == 0 or written.endswith(":"):
        raise _refused(url, "it has no proper port")
    try:
        host = normal_host(written.removesuffix(f":{port}") if port is not None else written)
    except ValueError as problem:
        raise _refused(url, str(problem)) from None
    rest = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(scheme, host, port or PORTS[scheme], rest)


def normal_host(written: str) -> str:
    """A host as it stands in a URL, in its one spelling. Raises ValueError that says what is wrong with it."""
    if not written:
        raise ValueError("it names no host")
    if written.startswith("["):
        return _version_6(written)
    host = written.lower() if written.isascii() else _ascii(written)
    host = host.removesuffix(".")
    labels = host.split(".")
    if len(host) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, labels)):
        raise ValueError("its host is no name")
    if _NUMBER.fullmatch(labels[-1]):
        # Resolvers also read 127.1, 0x7f.0.0.1, 0177.0.0.1 and 2130706433; nobody who means well writes them.
        try:
            return str(IPv4Address(host))
        except AddressValueError:
            raise ValueError("its host is a number that is no plain address") from None
    return host


def address_of(host: str) -> Address | None:
    """The address that a normal host is, None for a name."""
    for kind in (IPv4Address, IPv6Address):
        try:
            return kind(host)
        except AddressValueError:
            continue
    return None


def _version_6(written: str) -> str:
    inner = written[1:-1] if written.endswith("]") else "%"
    if "%" in inner:
        raise ValueError("its address is not well-formed, or has a zone")
    try:
        return str(IPv6Address(inner))
    except AddressValueError:
        raise ValueError("its address is not well-formed") from None


def _ascii(written: str) -> str:
    import idna

    try:
        return idna.encode(written, uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        raise ValueError("its host is no name") from None


def _refused(url: str, reason: str) -> UrlRefused:
    # Whatever follows the host may be a secret, and what cannot be read may be one as a whole.
    scheme, separator, rest = url.partition("://")
    host = re.split(r"[/?#\\]", rest, maxsplit=1)[0].rpartition("@")[2]
    return UrlRefused(url=f"{scheme}://{host}" if separator and host else "given", reason=reason)
