"""Which addresses lie inside: those that a call to a configured URL must not be turned to (S21).

The tables follow IANA's registries of special-purpose addresses (RFC 6890 and its successors) instead of `ipaddress`,
whose answers differ between releases of Python. Of IPv6 only what is allocated as global unicast counts as outside.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address

NEVER_BY_NAME = frozenset({"link-local", "a metadata service", "multicast", "unspecified", "reserved", "a tunnel"})
"""Kinds that the name of an allowed host does not reach: whoever runs its name server could aim it at them."""

_METADATA = frozenset(
    {
        IPv4Address("169.254.169.254"),  # most clouds; link-local as well
        IPv4Address("169.254.170.2"),  # credentials of containers
        IPv4Address("100.100.100.200"),  # Alibaba
        IPv4Address("168.63.129.16"),  # Azure: public by its number
        IPv4Address("192.0.0.192"),  # Oracle
        IPv6Address("fd00:ec2::254"),
        IPv6Address("fd20:ce::254"),
    }
)
_V4 = tuple(
    (IPv4Network(network), kind)
    for network, kind in (
        ("0.0.0.0/8", "unspecified"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by a provider's customers"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "reserved"),
        ("192.88.99.0/24", "a tunnel"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "reserved"),
        ("198.51.100.0/24", "reserved"),
        ("203.0.113.0/24", "reserved"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)
_V6 = tuple(
    (IPv6Network(network), kind)
    for network, kind in (
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("2001::/23", "a tunnel"),  # Teredo, ORCHID, benchmarking
        ("2001:db8::/32", "reserved"),
        ("2002::/16", "a tunnel"),  # 6to4
        ("3fff::/20", "reserved"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "private"),
        ("ff00::/8", "multicast"),
    )
)
_GLOBAL = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052; where IPv6 is all there is, public servers are reached so
_ISATAP = (b"\0\0\x5e\xfe", b"\x02\0\x5e\xfe")  # RFC 5214


def kind_inside(address: Address) -> str | None:
    """What kind of inner address this is, such as `loopback`; None for one that lies outside."""
    if address in _METADATA:
        return "a metadata service"
    if isinstance(address, IPv4Address):
        return next((kind for network, kind in _V4 if address in network), None)
    inner = embedded(address)
    if inner is not None and (kind := kind_inside(inner)) is not None:
        return kind
    if inner is not None and (address.ipv4_mapped is not None or address in _NAT64):
        return None
    bare = IPv6Address(int(address))  # a zone would keep it from being found in a network
    listed = next((kind for network, kind in _V6 if bare in network), None)
    return listed or (None if bare in _GLOBAL else "reserved")


def embedded(address: Address) -> IPv4Address | None:
    """The IPv4 address that a mapped, translated or ISATAP address leads to."""
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    packed = address.packed
    if address in _NAT64 or packed[8:12] in _ISATAP:
        return IPv4Address(packed[12:])
    return None
