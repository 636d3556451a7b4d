"""TCP and TLS connections over ssl and cryptography."""

from __future__ import annotations

import builtins
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Self

from attrs import evolve, field, frozen

from reglet.domain.context import Context
from reglet.domain.entities.records import DEFAULT_TIMEOUT, ObservedConnection, TLSFacts
from reglet.domain.errors import DNSError, TCPError
from reglet.domain.policy import InvalidHostError
from reglet.domain.ports import NetworkGuard
from reglet.domain.urls import join_host_port
from reglet.infrastructure.native.dialer import (
    Deadline,
    Dialer,
    Lookup,
    split_address,
    system_lookup,
)
from reglet.infrastructure.native.tls import secure, tls_facts
from reglet.infrastructure.native.trust import Trust


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

    def dial(self, address: str) -> ObservedConnection:
        """Connect without TLS, within 30 seconds."""
        return self.dial_secure(address, DEFAULT_TIMEOUT, tls=False)

    def dial_with_timeout(self, address: str, timeout: timedelta) -> ObservedConnection:
        """Connect without TLS within `timeout`."""
        return self.dial_secure(address, timeout, tls=False)

    def dial_secure(
        self, address: str, timeout: timedelta, tls: bool, *, insecure_skip_verify: bool = False
    ) -> ObservedConnection:
        """Connect within `timeout`, with TLS if `tls`.

        With `insecure_skip_verify` any certificate is taken, and its facts can be read all the same.
        Raises `TCPError`, `TimeoutError` or `CapabilityError`.
        """
        deadline = Deadline.start("tcp connect", address, timeout, self._ctx)
        with _errors_mapped(deadline):
            host, port = split_address(address)
            plain = Dialer(self.guard, self.lookup).connect(host, port, deadline)
            if not tls:
                return _connection(plain)
            context = self.trust.context(verify=not insecure_skip_verify)
            connection = secure(plain, host, context, deadline)
            return _with_facts(connection, host)


def _connection(connection: socket.socket, facts: TLSFacts | None = None) -> ObservedConnection:
    remote, local = (
        join_host_port(*name[:2]) for name in (connection.getpeername(), connection.getsockname())
    )
    return ObservedConnection(remote, local, facts is not None, facts or TLSFacts(), connection.close)


def _with_facts(connection: ssl.SSLSocket, host: str) -> ObservedConnection:
    try:
        return _connection(connection, tls_facts(connection, host))
    except BaseException:
        connection.close()
        raise


@contextmanager
def _errors_mapped(deadline: Deadline) -> Iterator[None]:
    try:
        yield
    except builtins.TimeoutError as error:
        raise deadline.error() from error
    except (OSError, ValueError, DNSError, InvalidHostError) as error:
        raise TCPError(deadline.target, error) from error
