"""Hosts with their ports as one text, and which ports there are."""

from __future__ import annotations

PORTS = range(1, 2**16)
"""The numbers that a port may have."""

SCHEME_PORTS = {"http": 80, "https": 443}
"""The port that a URL of each scheme means when it names none."""


def join_host_port(host: str, port: int) -> str:
    """Return `host:port`, an IPv6 address in brackets."""
    bare_ipv6 = ":" in host and not host.startswith("[")
    return f"[{host}]:{port}" if bare_ipv6 else f"{host}:{port}"
