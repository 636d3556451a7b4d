"""What the system says of look-ups: resolv.conf, as Go reads it."""

from __future__ import annotations

import re
import socket
import sys
from contextlib import suppress
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from attrs import frozen

from reglet.domain.policy.network import MAX_NAME

_MOST_NAMESERVERS, _MOST_DOTS = 3, 15
_DEFAULT_TIMEOUT = timedelta(seconds=5)
DEFAULT_ATTEMPTS = 2
"""How often each nameserver is asked before another question gets its turn."""
_NO_NAMESERVERS = ("127.0.0.1", "::1")
_RESOLV_CONF = Path("/etc/resolv.conf")


@frozen
class SystemResolver:
    """Whom the system asks, and how.

    Attributes:
        nameservers: their addresses.
        search: the domains in which short names are looked up.
        ndots: the dots that make a name none that is short.
        timeout: for one answer; None where nothing is said of it.
        attempts: how often each nameserver is asked; None where nothing is said of that or of the time.
        rotate: whether every look-up begins with the next nameserver.
        single_request: whether no two questions are asked at once.
        use_tcp: whether UDP is not used.
    """

    nameservers: tuple[str, ...] = _NO_NAMESERVERS
    search: tuple[str, ...] = ()
    ndots: int = 1
    timeout: timedelta | None = None
    attempts: int | None = None
    rotate: bool = False
    single_request: bool = False
    use_tcp: bool = False

    @classmethod
    def read(cls) -> Self:
        """Return the system's."""
        if sys.platform != "win32":
            return cls.from_file(_RESOLV_CONF)
        from dns.resolver import Resolver  # which asks the registry

        system = Resolver()
        domains = system.search or [system.domain]
        names = filter(None, (domain.to_text().removesuffix(".") for domain in domains))
        return cls(tuple(map(str, system.nameservers)) or _NO_NAMESERVERS, tuple(names))

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Return what a file says; one that is not there says nothing."""
        try:
            lines = path.read_text("utf-8", "replace").split("\n")
        except OSError:
            lines = []
        nameservers: list[str] = []
        search: list[str] = []
        options: list[str] = []
        for line in lines:
            keyword, *values = ([] if line.startswith((";", "#")) else line.split()) or [""]
            match keyword:
                case "nameserver" if values and len(nameservers) < _MOST_NAMESERVERS:
                    with suppress(ValueError):
                        nameservers.append(str(ip_address(values[0])))
                case "domain" if values:
                    search = values[:1]
                case "search":
                    search = values
                case "options":
                    options += values
        _, _, domain = socket.gethostname().partition(".")
        search = [each.removesuffix(".") for each in search if each != "."] or [domain]
        numbers: dict[str, int] = {}
        for option in options:
            name, colon, digits = option.partition(":")
            if colon:
                found = re.match("[0-9]*", digits)
                numbers[name] = int(found[0][:9] or "0") if found else 0
        has_limits = not {"timeout", "attempts"}.isdisjoint(numbers)
        return cls(
            tuple(nameservers) or _NO_NAMESERVERS,
            tuple(each for each in search if each),
            min(numbers.get("ndots", 1), _MOST_DOTS),
            timedelta(seconds=max(numbers["timeout"], 1)) if "timeout" in numbers else None,
            max(numbers.get("attempts", DEFAULT_ATTEMPTS), 1) if has_limits else None,
            rotate="rotate" in options,
            single_request=not {"single-request", "single-request-reopen"}.isdisjoint(options),
            use_tcp=not {"use-vc", "usevc", "tcp"}.isdisjoint(options),
        )

    @property
    def silence(self) -> timedelta:
        """How long the system's own look-ups wait, at least, where no nameserver answers."""
        return (self.timeout or _DEFAULT_TIMEOUT) * (self.attempts or DEFAULT_ATTEMPTS)

    def names(self, name: str) -> list[str]:
        """Return what to ask for in place of a name without a dot at its end, in order."""
        suffixed = [f"{name}.{domain}" for domain in self.search]
        names = [name, *suffixed] if name.count(".") >= self.ndots else [*suffixed, name]
        return [each for each in names if len(each) <= MAX_NAME]
