"""Which inner addresses may be called all the same: those named by `network.allow_private`, and gateways' bases."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import NamedTuple

from shopctl.outgoing.addresses import NEVER_BY_NAME, Address, embedded, kind_inside
from shopctl.outgoing.errors import AddressRefused, AllowanceInvalid
from shopctl.outgoing.targets import address_of, normal_host, target


class _Place(NamedTuple):
    network: IPv4Network | IPv6Network | None
    host: str
    port: int | None  # None: any


class Allowances:
    """What one installation allows. Entries are hosts, hosts with ports, addresses and networks; bases are URLs."""

    def __init__(self, entries: Iterable[str] = (), bases: Iterable[str] = ()) -> None:
        self._places = [_entry(entry) for entry in entries]
        for base in bases:
            found = target(base)
            self._places.append(_place(found.host, found.port))

    def check(self, host: str, port: int, address: Address) -> None:
        """Let a call to `host` go to this address of it, or raise AddressRefused."""
        kind = kind_inside(address)
        if kind is None:
            return
        addresses = [address, embedded(address)]
        for place in self._places:
            if place.port not in (None, port):
                continue
            if place.network is not None:
                if any(each is not None and each in place.network for each in addresses):
                    return
            elif place.host == host and kind not in NEVER_BY_NAME:
                return
        raise AddressRefused(host=host, address=str(address), kind=kind)


def _entry(entry: str) -> _Place:
    text = entry.strip()
    try:
        return _Place(ip_network(text, strict=False), "", None)
    except ValueError:
        pass
    host, colon, port = text.rpartition(":")
    if colon and port.isascii() and port.isdigit() and 0 < int(port) < 65536:
        text, number = host, int(port)
    else:
        number = None
    try:
        return _place(normal_host(text), number)
    except ValueError:
        raise AllowanceInvalid(entry=entry) from None


def _place(host: str, port: int | None) -> _Place:
    address = address_of(host)
    return _Place(None if address is None else ip_network(address), host, port)
