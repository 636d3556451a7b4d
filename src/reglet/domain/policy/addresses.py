"""Addresses of special use: what no wildcard may reach (IANA special-purpose registries, cloud metadata)."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_METADATA = (
    "169.254.169.254/32",
    "169.254.169.253/32",
    "169.254.170.2/32",
    "169.254.170.23/32",
    "168.63.129.16/32",
    "100.100.100.200/32",
    "192.0.0.192/32",
    "fd00:ec2::254/128",
    "fd00:ec2::253/128",
    "fd00:ec2::23/128",
    "fd20:ce::254/128",
)

_SPECIAL: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("cloud metadata", _METADATA),
    ("unspecified", ("0.0.0.0/32", "::/128")),
    ("loopback", ("127.0.0.0/8", "::1/128")),
    ("private", ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10")),
    ("shared (carrier NAT)", ("100.64.0.0/10",)),
    ("link-local", ("169.254.0.0/16", "fe80::/10")),
    ("multicast", ("224.0.0.0/4", "ff00::/8")),
    ("broadcast", ("255.255.255.255/32",)),
    ("this-network", ("0.0.0.0/8",)),
    ("protocol", ("192.0.0.0/24", "192.88.99.0/24", "2001:1::/32", "2001:10::/28", "2001:20::/28")),
    ("documentation", ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")),
    ("benchmark", ("198.18.0.0/15", "2001:2::/48")),
    ("reserved", ("240.0.0.0/4",)),
    ("NAT64", ("64:ff9b:1::/48",)),
    ("6to4", ("2002::/16",)),
    ("Teredo", ("2001::/32",)),
)
_RANGES: tuple[tuple[str, Network], ...] = tuple(
    (use, ip_network(text)) for use, texts in _SPECIAL for text in texts
)
_NAT64 = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = IPv6Network("2000::/3")


def special_use(address: Address) -> str:
    """Return what an address is set aside for, such as `private`; an empty text for a public one.

    An IPv4 address inside an IPv6 one (mapped, NAT64) is judged itself. Of IPv6, only global unicast
    can be public.
    """
    inner = _embedded(address)
    if inner is not None:
        return special_use(inner)
    for use, network in _RANGES:
        if address in network:
            return use
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return "reserved"
    return ""


def _embedded(address: Address) -> IPv4Address | None:
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped
