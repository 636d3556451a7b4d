"""The port for DNS."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from reglet.domain.entities.requests import MXRecord


@runtime_checkable
class DNSResolver(Protocol):
    """Looks up names, at the host's own resolver or at `nameserver` (`"1.1.1.1"` or `"1.1.1.1:53"`).

    Every method raises `DNSError` (`is_not_found` set when the name does not exist), `TimeoutError` or
    `CapabilityError`.
    """

    def lookup_host(self, host: str, *, nameserver: str | None = None) -> list[str]:
        """Return the IPv4 and IPv6 addresses of a name."""
        ...

    def lookup_cname(self, host: str, *, nameserver: str | None = None) -> str:
        """Return the canonical name."""
        ...

    def lookup_mx(self, host: str, *, nameserver: str | None = None) -> list[MXRecord]:
        """Return the mail exchangers, lowest preference first."""
        ...

    def lookup_txt(self, host: str, *, nameserver: str | None = None) -> list[str]:
        """Return the text records, each joined from its parts."""
        ...

    def lookup_ns(self, host: str, *, nameserver: str | None = None) -> list[str]:
        """Return the name servers."""
        ...
