"""The TCP port over a host's `tcp_connect`."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve, field, frozen

from reglet.domain.context import Context
from reglet.domain.entities.records import ObservedConnection
from reglet.domain.errors import HostError, TCPError, TimeoutError, UnsupportedOptionError  # noqa: A004
from reglet.domain.urls import PORTS, join_host_port
from reglet.infrastructure.guest.host_caller import HostCaller
from reglet.infrastructure.guest.time_left import time_left
from reglet.infrastructure.wire.context import CallContext
from reglet.infrastructure.wire.tcp import TCPAnswer, TCPRequest, decode_tcp_response, encode_tcp_request

_FUNCTION = "tcp_connect"


def _connection(answer: TCPAnswer, address: str) -> ObservedConnection:
    """Return what the host told; it has closed the connection, which counts as open here until closed."""
    remote = answer.remote_addr or answer.address or address
    return ObservedConnection(remote, answer.local_addr, answer.tls, answer.facts)


@frozen
class HostTCPDialer:
    """Makes connections through the host, in the context that it is bound to."""

    _caller: HostCaller
    _ctx: Context = field(factory=Context)

    def in_context(self, ctx: Context) -> HostTCPDialer:
        """Return the dialer for connections made in `ctx`."""
        return evolve(self, ctx=ctx)

    def dial(self, address: str) -> ObservedConnection:
        """Connect without TLS, within the host's own time limit."""
        return self._dial(address, None, tls=False)

    def dial_with_timeout(self, address: str, timeout: timedelta) -> ObservedConnection:
        """Connect without TLS within `timeout`."""
        return self._dial(address, timeout, tls=False)

    def dial_secure(self, address: str, timeout: timedelta, tls: bool) -> ObservedConnection:
        """Connect within `timeout`, with TLS if `tls`."""
        return self._dial(address, timeout, tls=tls)

    def _dial(self, address: str, timeout: timedelta | None, *, tls: bool) -> ObservedConnection:
        host, port = _split(address)
        self._ctx.ensure_live(_FUNCTION)
        request = TCPRequest(host, port, time_left(self._ctx, timeout), tls)
        answer = self._ask(request, address)
        if not answer.connected:
            raise TCPError(address, "the host answered that it is not connected, and no reason")
        if tls and not answer.tls:
            raise UnsupportedOptionError("tls", True, f"the host connected to {address} without TLS")
        return _connection(answer, address)

    def _ask(self, request: TCPRequest, address: str) -> TCPAnswer:
        call = CallContext.of(self._ctx, request.timeout)
        try:
            return self._caller.call(
                _FUNCTION,
                lambda dialect: encode_tcp_request(request, call, dialect, both=True),
                lambda answer: decode_tcp_response(
                    answer, f"network:{join_host_port(request.host, request.port)}"
                ),
            )
        except HostError as error:
            if error.is_timeout:
                raise TimeoutError(
                    "tcp connect", request.timeout or timedelta(), f"{address}: {error}"
                ) from error
            raise TCPError(address, error) from error


def _split(address: str) -> tuple[str, int]:
    """Return the host and port of `host:port` or `[host]:port`."""
    host, _, port = address.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    number = int(port) if port.isascii() and port.isdecimal() else 0
    if not bare or number not in PORTS or (":" in bare and bare is host):
        raise TCPError(address, "expected host:port with a port from 1 to 65535, [host]:port for IPv6")
    return bare, number
