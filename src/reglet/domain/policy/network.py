"""Network rules, compiled: which hosts and ports belong together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_network
from typing import TypeVar

from attrs import frozen

from reglet.domain.entities.grants import NetworkRule
from reglet.domain.errors import RegletError
from reglet.domain.policy.addresses import Address, Network
from reglet.domain.policy.glob import Glob, PatternError, is_exact
from reglet.domain.policy.hosts import ascii_label, canonical_host, parse_address, parse_network

T = TypeVar("T")

MAX_PORT = 65535
_PORTS = re.compile(r"\s*([0-9]{1,5})\s*(?:-\s*([0-9]{1,5})\s*)?")


@frozen
class HostPattern:
    """One host of a rule: a name, a glob, or a block of addresses (a single address is a block of one)."""

    text: str
    glob: Glob | None = None
    block: Network | None = None

    def covers(self, host: str, address: Address | None) -> bool:
        """Whether it stands for this canonical host, which is `address` if it is one."""
        if self.block is not None:
            return address is not None and self.holds(address)
        return self.glob is not None and self.glob.matches(host)

    def names(self, host: str) -> bool:
        """Whether it is this very host name, without wildcards."""
        return self.glob is not None and is_exact(self.glob.text) and self.glob.text == host

    def holds(self, address: Address) -> bool:
        """Whether it is a block of addresses with this one in it."""
        return self.block is not None and address in self.block


@frozen
class CompiledRule:
    """One rule of a grant, ready to match."""

    hosts: tuple[HostPattern, ...]
    ports: tuple[tuple[int, int], ...]
    port_text: str

    def has_port(self, port: int) -> bool:
        """Whether the rule names this port."""
        return any(low <= port <= high for low, high in self.ports)

    def text(self, host: HostPattern) -> str:
        """Return the part of the rule that `host` is, such as `network:*.example.com:443`."""
        return f"network:{host.text}:{self.port_text}"


def compile_rule(rule: NetworkRule, problems: list[str]) -> CompiledRule:
    """Return a rule ready to match; what cannot be read is left out and told in `problems`."""
    hosts = tuple(readable(_host_pattern, rule.hosts, problems))
    ports = tuple(readable(_port_range, rule.ports, problems))
    return CompiledRule(hosts, ports, ",".join(rule.ports))


def readable(read: Callable[[str], T], texts: Iterable[str], problems: list[str]) -> Iterator[T]:
    """Yield what `read` makes of each text; a text that it refuses is told in `problems`."""
    for text in texts:
        try:
            yield read(text)
        except RegletError as error:
            problems.append(str(error))


def _host_pattern(text: str) -> HostPattern:
    block = parse_network(text)
    if block is not None:
        return HostPattern(text, block=block)
    if is_exact(text) or (text.startswith("[") and ":" in text):
        address = parse_address(text)
        if address is not None:
            return HostPattern(text, block=ip_network(address))
        return HostPattern(text, Glob.parse(canonical_host(text)))
    return HostPattern(text, Glob.parse(_glob_text(text)))


def _glob_text(text: str) -> str:
    """Return a glob of names in the spelling that names are compared in."""
    labels = (ascii_label(text, label) for label in text.removesuffix(".").split("."))
    return ".".join(label.lower() for label in labels)


def _port_range(text: str) -> tuple[int, int]:
    if text.strip() == "*":
        return 1, MAX_PORT
    match = _PORTS.fullmatch(text)
    low, high = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 0 < low <= high <= MAX_PORT:
        raise PatternError(text, 'a port is "443", "8000-9000" or "*", from 1 to 65535')
    return low, high
