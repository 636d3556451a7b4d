"""Hosts, addresses, ports: their canonical forms, those of special use, and network rules ready to match."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Self, TypeAlias, TypeVar

from attrs import field, frozen

from reglet.domain.entities.grants import NetworkRule
from reglet.domain.errors import RegletError
from reglet.domain.policy.globs import Glob, PatternError, is_exact
from reglet.domain.urls import DNS_PORT, PORTS, join_host_port

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

METADATA = "cloud metadata"
"""The use of addresses at which clouds hand out credentials."""

_METADATA_ADDRESSES = (
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
    (METADATA, _METADATA_ADDRESSES),
    ("unspecified", ("0.0.0.0/32", "::/128")),
    ("loopback", ("127.0.0.0/8", "::1/128")),
    ("private", ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10")),
    ("shared (carrier NAT)", ("100.64.0.0/10",)),
    ("link-local", ("169.254.0.0/16", "fe80::/10")),
    ("multicast", ("224.0.0.0/4", "ff00::/8")),
    ("broadcast", ("255.255.255.255/32",)),
    ("this-network", ("0.0.0.0/8",)),
    ("protocol", ("192.0.0.0/24", "192.88.99.0/24")),
    ("documentation", ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")),
    ("benchmark", ("198.18.0.0/15", "2001:2::/48")),
    ("reserved", ("240.0.0.0/4",)),
    ("NAT64", ("64:ff9b:1::/48",)),
    ("6to4", ("2002::/16",)),
    ("Teredo", ("2001::/32",)),
    ("protocol", ("2001::/23",)),
)
PRIVATE_BLOCKS = tuple(
    block for use, blocks in _SPECIAL if use in ("loopback", "private", "link-local") for block in blocks
)
"""What some hosts grant together, as private addresses."""
_RANGES: dict[int, tuple[tuple[int, int, str, Network], ...]] = {
    version: tuple(
        (int(network.network_address), int(network.broadcast_address), use, network)
        for use, blocks in _SPECIAL
        for network in map(ip_network, blocks)
        if network.version == version
    )
    for version in (4, 6)
}
"""By version: first and last address, use and range, of which the first that holds an address is its own."""
_NAT64 = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = IPv6Network("2000::/3")


def special_use(address: Address) -> str:
    """Return what an address is set aside for, such as `private`; an empty string for a public one."""
    return special_range(address)[0]


def special_range(address: Address) -> tuple[str, Network | None]:
    """Return what an address is set aside for, and the range that is; nothing and None for a public one.

    An IPv4 address inside an IPv6 one (mapped, NAT64) is judged itself. Of IPv6, only global unicast
    can be public.
    """
    if isinstance(address, IPv6Address):
        inner = IPv4Address(int(address) & 0xFFFF_FFFF) if address in _NAT64 else address.ipv4_mapped
        if inner is not None:
            return special_range(inner)
    number = int(address)
    for first, last, use, network in _RANGES[address.version]:
        if first <= number <= last:
            return use, network
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return "reserved", ip_network(address)
    return "", None


_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
_DOTS = re.compile("[.\u3002\uff0e\uff61]")
MAX_NAME = 253
_OCTETS = 4
_OCTET = 256
_TWO_READINGS = frozenset("\u00df\u1e9e\u03c2\u200c\u200d")
"""Characters that IDNA 2003 and 2008 turn into different names."""


class InvalidHostError(RegletError):
    """A string that is neither a host name nor an address; the message has the reason."""

    error_type = "validation"

    def __init__(self, host: str, reason: str) -> None:
        """Name the host and what is wrong with it."""
        super().__init__(f"host {host!r} is neither a name nor an address: {reason}")
        self.host = host
        self.reason = reason


def canonical_host(host: str) -> str:
    """Return a host in the one spelling used here, or raise `InvalidHostError`.

    Names come back in lower case, in IDNA's ASCII form, without a trailing dot; addresses as `ipaddress`
    writes them, whatever their spelling was (`0x7f.1`, `[::ffff:127.0.0.1]`).
    """
    address = parse_address(host)
    return _canonical_name(host) if address is None else str(address)


def _canonical_name(host: str) -> str:
    name = _ascii(host).removesuffix(".")
    if len(name) > MAX_NAME:
        raise InvalidHostError(host[:80] + "…", f"it is longer than {MAX_NAME} characters")
    for label in name.split("."):
        if not _NAME.fullmatch(label):
            reason = "a label is empty" if not label else f"{label[:80]!r} cannot be a label of a name"
            raise InvalidHostError(host, reason)
    return name


@frozen
class Target:
    """A host and a port in the one spelling in which they are judged and dialled.

    Attributes:
        host: a name, or an address, as `canonical_host` writes it.
        port: the number, which may be none that there is.
        address: the address that the host is, None for a name.
    """

    host: str
    port: int
    address: Address | None = None

    @classmethod
    def of(cls, host: str, port: int) -> Self:
        """Return the target that a host in any spelling means; raises `InvalidHostError`."""
        address = parse_address(host)
        return cls(_canonical_name(host) if address is None else str(address), port, address)

    @classmethod
    def of_lookup(cls, name: str) -> Self:
        """Return what a look-up of a name is judged as; the root, `.`, can be looked up, and not dialled."""
        return cls(name, DNS_PORT) if name == "." else cls.of(name, DNS_PORT)

    def __str__(self) -> str:
        """Return `host:port`, an IPv6 address in brackets."""
        return join_host_port(self.host, self.port)


def parse_address(host: str) -> Address | None:
    """Return the address that a host is, None if it is a name; `InvalidHostError` for neither.

    IPv4 inside IPv6 (mapped) is returned as IPv4. All spellings of `inet_aton` are read, as resolvers do.
    """
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if "%" in bare:
        raise InvalidHostError(host, "zone ids and percent-encoding are refused")
    if ":" in bare:
        try:
            address = IPv6Address(bare)
        except AddressValueError as error:
            raise InvalidHostError(host, str(error)) from None
        return address.ipv4_mapped or address
    if bare is not host:
        raise InvalidHostError(host, "only IPv6 addresses stand in brackets")
    parts = _ascii(host).removesuffix(".").split(".")
    if not _NUMBER.fullmatch(parts[-1]):
        return None
    if len(parts) > _OCTETS or not all(map(_NUMBER.fullmatch, parts)):
        raise InvalidHostError(host, "it ends in a number and is no IPv4 address")
    numbers = []
    for part in parts:
        try:
            is_hex, is_octal = part.startswith("0x"), part.startswith("0")
            value = int(part[2:] or "0", 16) if is_hex else int(part, 8) if is_octal else int(part[:20])
        except ValueError:
            raise InvalidHostError(host, f"{part!r} is no octal number") from None
        numbers.append(value)
    *high, low = numbers
    if any(value >= _OCTET for value in high) or low >= _OCTET ** (_OCTETS - len(high)):
        raise InvalidHostError(host, "a part of the IPv4 address is too large")
    return IPv4Address(sum(octet << (8 * (3 - index)) for index, octet in enumerate(high)) + low)


def _ascii(host: str) -> str:
    """Return a host in lower case and, if it is not ASCII, in IDNA's ASCII form."""
    if host.isascii():
        return host.lower()
    if not _TWO_READINGS.isdisjoint(host):
        raise InvalidHostError(
            host, "it has characters that IDNA 2003 and 2008 read differently; write its xn-- form"
        )
    return ".".join(_ascii_label(host, label) for label in _DOTS.split(host))


def _ascii_label(host: str, label: str) -> str:
    if label.isascii():
        return label.lower()
    try:
        return label.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise InvalidHostError(host, f"IDNA cannot write {label!r}: {error}") from None


T = TypeVar("T")

_PORTS = re.compile(r"\s*([0-9]{1,5})\s*(?:-\s*([0-9]{1,5})\s*)?")


@frozen
class HostPattern:
    """One host of a rule: a name, a glob, or a block of addresses (a single address is a block of one)."""

    pattern: str
    glob: Glob | None = None
    block: Network | None = None
    _bounds: tuple[int, int, int] = field(init=False, repr=False, default=(0, 0, 0))
    """The block's version, first and last address: comparing them takes a fraction of asking the block."""

    def __attrs_post_init__(self) -> None:
        """Make the bounds, once."""
        block = self.block
        if block is not None:
            bounds = block.version, int(block.network_address), int(block.broadcast_address)
            object.__setattr__(self, "_bounds", bounds)  # as attrs does for a frozen class

    @classmethod
    def parse(cls, pattern: str) -> Self:
        """Return a host of a rule, ready to match.

        Raises `InvalidHostError` or `PatternError` if it cannot be read.
        """
        address, slash, _ = pattern.partition("/")
        if slash and (":" in address or re.fullmatch(r"[0-9.]+", address)):
            try:
                return cls(pattern, block=ip_network(pattern))
            except ValueError as error:
                raise InvalidHostError(pattern, str(error)) from None
        if not is_exact(pattern) and not (pattern.startswith("[") and ":" in pattern):
            labels = pattern.removesuffix(".").split(".")
            return cls(pattern, Glob.parse(".".join(_ascii_label(pattern, label) for label in labels)))
        single = parse_address(pattern)
        if single is not None:
            return cls(pattern, block=ip_network(single))
        return cls(pattern, Glob.parse(canonical_host(pattern)))

    def covers(self, host: str, address: Address | None) -> bool:
        """Whether it stands for this canonical host, which is `address` if it is one."""
        if self.block is not None:
            version, first, last = self._bounds
            return address is not None and address.version == version and first <= int(address) <= last
        return self.glob is not None and self.glob.matches(host)

    def reaches(self, host: str, address: Address) -> bool:
        """Whether it lets `host` be dialled at this address.

        One of special use wants the host's name without wildcards, or a block inside the range that is set
        aside: `0.0.0.0/0` is a wildcard. Cloud metadata wants its address, for who owns a name decides where
        it leads.
        """
        use, within = special_range(address)
        if within is None:
            return True
        if self.block is None:
            is_name = self.glob is not None and self.glob.is_exact and self.glob.pattern == host
            return use != METADATA and is_name
        return address in self.block and self.block.version == within.version and self.block.subnet_of(within)  # type: ignore[arg-type]  # of one version


@frozen(eq=False, repr=False)
class CompiledRule:
    """One rule of a grant, ready to match."""

    hosts: tuple[HostPattern, ...]
    ports: tuple[range, ...]
    port_patterns: str

    @classmethod
    def compile(cls, rule: NetworkRule, errors: list[str]) -> Self:
        """Return a rule ready to match; what cannot be read is left out and reported in `errors`."""
        hosts = tuple(parse_patterns(HostPattern.parse, rule.hosts, errors))
        return cls(hosts, tuple(parse_patterns(_port_range, rule.ports, errors)), ",".join(rule.ports))

    def has_port(self, port: int) -> bool:
        """Whether the rule names this port."""
        return any(port in ports for ports in self.ports)

    def name(self, host: HostPattern) -> str:
        """Return the part of the rule that `host` is, such as `network:*.example.com:443`."""
        return f"network:{host.pattern}:{self.port_patterns}"


def parse_patterns(parse: Callable[[str], T], patterns: Iterable[str], errors: list[str]) -> Iterator[T]:
    """Yield what `parse` makes of each pattern; one that it refuses is reported in `errors`."""
    for pattern in patterns:
        try:
            yield parse(pattern)
        except RegletError as error:
            errors.append(str(error))


def _port_range(pattern: str) -> range:
    if pattern.strip() == "*":
        return PORTS
    match = _PORTS.fullmatch(pattern)
    low, high = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 0 < low <= high <= PORTS[-1]:
        raise PatternError(pattern, f'a port is "443", "8000-9000" or "*", from 1 to {PORTS[-1]}')
    return range(low, high + 1)
