"""What a host checks of a request before it asks the policy."""

from __future__ import annotations

from datetime import timedelta

from reglet.domain.context import Context
from reglet.domain.errors import RegletError

DEFAULT_TIMEOUT = timedelta(seconds=30)
"""How long a connection may take when nobody says, as on the Go host."""


class BadRequestError(RegletError):
    """A request lacks what it cannot be made without; the text says what."""

    error_type = "validation"

    @property
    def code(self) -> str:
        """The Go host SDK's code."""
        return "INVALID_REQUEST"


def require_target(host: str, port: int) -> None:
    """Raise `BadRequestError` unless there are a host and a port to connect to."""
    if not host:
        raise BadRequestError("host is required")
    if not port:
        raise BadRequestError("port is required: 1 to 65535")


def timeout_within(asked: timedelta | None, ctx: Context) -> timedelta:
    """Return the time a connection may take: what was asked for, but no more than the check has left."""
    wanted = asked or DEFAULT_TIMEOUT
    left = ctx.remaining()
    return wanted if left is None else min(wanted, left)


def host_port(host: str, port: int) -> str:
    """Return `host:port`, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"
