"""Ports, hosts with their ports, and URLs as errors and logs may show them."""

from __future__ import annotations

import re

PORTS = range(1, 2**16)
"""The numbers that a port may have."""

DNS_PORT = 53
"""Where name servers listen, and what a grant for look-ups names."""

SCHEME_PORTS = {"http": 80, "https": 443}
"""The port that a URL of each scheme means when it names none."""


_CREDENTIALS = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*:)?(//)?[^/?#]*@")


def join_host_port(host: str, port: int | str) -> str:
    """Return `host:port`, an IPv6 address in brackets; a port may be a pattern."""
    bare_ipv6 = ":" in host and not host.startswith("[")
    return f"[{host}]:{port}" if bare_ipv6 else f"{host}:{port}"


def without_credentials(url: str) -> str:
    """Return a URL without user name and password."""
    return _CREDENTIALS.sub(r"\1\2", url)
