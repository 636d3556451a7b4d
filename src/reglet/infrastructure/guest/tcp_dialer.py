"""The TCP port over a host's `tcp_connect`."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from attrs import evolve, field, frozen

from reglet.domain.context import Context
from reglet.domain.errors import HostError, TCPError, TimeoutError, UnsupportedOptionError  # noqa: A004
from reglet.infrastructure.guest.host_caller import HostCaller
from reglet.infrastructure.guest.time_left import time_left
from reglet.infrastructure.wire.context import CallContext
from reglet.infrastructure.wire.tcp import TCPAnswer, TCPRequest, decode_tcp_response, encode_tcp_request

_FUNCTION = "tcp_connect"
_PORTS = range(1, 2**16)


class HostTCPConnection:
    """A connection that the host made, looked at, and closed; here it counts as open until closed."""

    def __init__(self, answer: TCPAnswer, address: str) -> None:
        """Take what the host told of it, and the address that was dialled."""
        self._answer = answer
        self._address = address
        self._open = True

    @property
    def is_connected(self) -> bool:
        """Whether it was made and not yet closed here."""
        return self._open

    @property
    def remote_addr(self) -> str:
        """The far end, `address:port`; what was dialled where the host does not tell."""
        return self._answer.remote_addr or self._answer.address or self._address

    @property
    def local_addr(self) -> str:
        """The near end, `address:port`."""
        return self._answer.local_addr

    @property
    def is_tls(self) -> bool:
        """Whether TLS was negotiated."""
        return self._answer.tls

    @property
    def tls_version(self) -> str:
        """The protocol, `TLS 1.0` to `TLS 1.3`."""
        return self._answer.facts.version

    @property
    def tls_cipher_suite(self) -> str:
        """The cipher suite's IANA name."""
        return self._answer.facts.cipher_suite

    @property
    def tls_server_name(self) -> str:
        """The name that was asked for (SNI)."""
        return self._answer.facts.server_name

    @property
    def tls_cert_subject(self) -> str:
        """The certificate's subject, RFC 4514."""
        return self._answer.facts.cert_subject

    @property
    def tls_cert_issuer(self) -> str:
        """The certificate's issuer, RFC 4514."""
        return self._answer.facts.cert_issuer

    @property
    def tls_cert_not_after(self) -> datetime | None:
        """When the certificate expires."""
        return self._answer.facts.cert_not_after

    def close(self) -> None:
        """Close it; closing twice does nothing."""
        self._open = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@frozen
class HostTCPDialer:
    """Makes connections through the host, in the context that it is bound to."""

    _caller: HostCaller
    _ctx: Context = field(factory=Context)

    def in_context(self, ctx: Context) -> HostTCPDialer:
        """Return the dialer for connections made in `ctx`."""
        return evolve(self, ctx=ctx)

    def dial(self, address: str) -> HostTCPConnection:
        """Connect without TLS, within the host's own time limit."""
        return self._dial(address, None, tls=False)

    def dial_with_timeout(self, address: str, timeout: timedelta) -> HostTCPConnection:
        """Connect without TLS within `timeout`."""
        return self._dial(address, timeout, tls=False)

    def dial_secure(self, address: str, timeout: timedelta, tls: bool) -> HostTCPConnection:
        """Connect within `timeout`, with TLS if `tls`."""
        return self._dial(address, timeout, tls=tls)

    def _dial(self, address: str, timeout: timedelta | None, *, tls: bool) -> HostTCPConnection:
        host, port = _split(address)
        self._ctx.ensure_live(_FUNCTION)
        request = TCPRequest(host, port, time_left(self._ctx, timeout), tls)
        answer = self._ask(request, address)
        if not answer.connected:
            raise TCPError(address, "the host answered that it is not connected, and no reason")
        if tls and not answer.tls:
            raise UnsupportedOptionError("tls", True, f"the host connected to {address} without TLS")
        return HostTCPConnection(answer, address)

    def _ask(self, request: TCPRequest, address: str) -> TCPAnswer:
        call = CallContext.of(self._ctx, request.timeout)
        try:
            return self._caller.call(
                _FUNCTION,
                lambda dialect: encode_tcp_request(request, call, dialect, both=True),
                lambda answer: decode_tcp_response(answer, f"network:{request.host}:{request.port}"),
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
    if not bare or number not in _PORTS or (":" in bare and bare is host):
        raise TCPError(address, "expected host:port with a port from 1 to 65535, [host]:port for IPv6")
    return bare, number
