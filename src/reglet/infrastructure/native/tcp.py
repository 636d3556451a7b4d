"""TCP and TLS connections over ssl and cryptography."""

from __future__ import annotations

import builtins
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from attrs import evolve, field, frozen

from reglet.domain.context import Context
from reglet.domain.entities.requests import TLSFacts
from reglet.domain.errors import DNSError, TCPError
from reglet.domain.policy import HostError
from reglet.domain.ports.network_guard import NetworkGuard
from reglet.infrastructure.native.addresses import socket_address, split_address
from reglet.infrastructure.native.deadline import DEFAULT_TIMEOUT, Deadline
from reglet.infrastructure.native.dialer import Dialer, Lookup, system_lookup
from reglet.infrastructure.native.tls import secure, tls_facts
from reglet.infrastructure.native.trust import Trust


class NativeTCPConnection:
    """The `TCPConnection` port over a socket; it holds the socket until it is closed."""

    def __init__(self, connection: socket.socket, facts: TLSFacts | None) -> None:
        """Take an open connection and, if it is TLS, what the handshake told."""
        self._socket = connection
        self._facts = facts or TLSFacts()
        self._is_tls = facts is not None
        self._remote = socket_address(connection.getpeername())
        self._local = socket_address(connection.getsockname())

    @property
    def is_connected(self) -> bool:
        """Whether it was not yet closed here."""
        return self._socket.fileno() >= 0

    @property
    def remote_addr(self) -> str:
        """The far end, `address:port`."""
        return self._remote

    @property
    def local_addr(self) -> str:
        """The near end, `address:port`."""
        return self._local

    @property
    def is_tls(self) -> bool:
        """Whether TLS was negotiated."""
        return self._is_tls

    @property
    def tls_version(self) -> str:
        """The protocol, `TLS 1.0` to `TLS 1.3`."""
        return self._facts.version

    @property
    def tls_cipher_suite(self) -> str:
        """The cipher suite's IANA name."""
        return self._facts.cipher_suite

    @property
    def tls_server_name(self) -> str:
        """The name that was asked for (SNI); empty for an address."""
        return self._facts.server_name

    @property
    def tls_cert_subject(self) -> str:
        """The certificate's subject, RFC 4514."""
        return self._facts.cert_subject

    @property
    def tls_cert_issuer(self) -> str:
        """The certificate's issuer, RFC 4514."""
        return self._facts.cert_issuer

    @property
    def tls_cert_not_after(self) -> datetime | None:
        """When the certificate expires."""
        return self._facts.cert_not_after

    def close(self) -> None:
        """Close it; closing twice does nothing."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@frozen
class NativeTCPDialer:
    """The `TCPDialer` port over the real network."""

    guard: NetworkGuard | None = None
    trust: Trust = field(factory=Trust)
    lookup: Lookup = system_lookup
    _ctx: Context = field(factory=Context, alias="ctx")

    def in_context(self, ctx: Context) -> Self:
        """Return the dialer for calls made in `ctx`."""
        return evolve(self, ctx=ctx)

    def dial(self, address: str) -> NativeTCPConnection:
        """Connect without TLS, within 30 seconds."""
        return self.dial_secure(address, DEFAULT_TIMEOUT, tls=False)

    def dial_with_timeout(self, address: str, timeout: timedelta) -> NativeTCPConnection:
        """Connect without TLS within `timeout`."""
        return self.dial_secure(address, timeout, tls=False)

    def dial_secure(
        self, address: str, timeout: timedelta, tls: bool, *, insecure_skip_verify: bool = False
    ) -> NativeTCPConnection:
        """Connect within `timeout`, with TLS if `tls`.

        With `insecure_skip_verify` any certificate is taken, and its facts can be read all the same.
        Raises `TCPError`, `TimeoutError` or `CapabilityError`.
        """
        deadline = Deadline.start("tcp connect", address, timeout, self._ctx)
        with _errors_mapped(deadline):
            host, port = split_address(address)
            plain = Dialer(self.guard, self.lookup).connect(host, port, deadline)
            if not tls:
                return NativeTCPConnection(plain, None)
            context = self.trust.context(verify=not insecure_skip_verify)
            connection = secure(plain, host, context, deadline)
            return _with_facts(connection, host)


def _with_facts(connection: ssl.SSLSocket, host: str) -> NativeTCPConnection:
    try:
        return NativeTCPConnection(connection, tls_facts(connection, host))
    except BaseException:
        connection.close()
        raise


@contextmanager
def _errors_mapped(deadline: Deadline) -> Iterator[None]:
    try:
        yield
    except builtins.TimeoutError as error:
        raise deadline.error() from error
    except (OSError, ValueError, DNSError, HostError) as error:
        raise TCPError(deadline.target, error) from error
