"""`host:port` texts, read and written."""

from __future__ import annotations

from typing import Any

_MAX_PORT = 65535


def split_address(address: str, default_port: int | None = None) -> tuple[str, int]:
    """Return the host and port of `host:port` or `[host]:port`; `ValueError` if it is neither.

    With `default_port` the port may be left out.
    """
    host, colon, port = address.rpartition(":")
    bare = not colon or (":" in host and not host.endswith("]")) or address.endswith("]")
    if bare and default_port is not None:
        return address, default_port
    if bare or not host or not port.isascii() or not port.isdigit() or not 0 < int(port[:6]) <= _MAX_PORT:
        raise ValueError(f"{address!r} is not host:port with a port from 1 to {_MAX_PORT}")
    return host, int(port)


def join_address(host: str, port: int) -> str:
    """Return `host:port`, with an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"


def socket_address(name: Any) -> str:
    """Return the text of a socket's own or peer name."""
    return join_address(str(name[0]), int(name[1]))
