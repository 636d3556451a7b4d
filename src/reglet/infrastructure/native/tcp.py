"""The TCP port: connections with TLS or without, opened to see what they show."""

from __future__ import annotations

import builtins
import ssl
import time
from datetime import timedelta
from typing import Self

from attrs import evolve, field, frozen

from reglet.domain.context import Context
from reglet.domain.entities.records import DEFAULT_TIMEOUT, ObservedConnection, TLSFacts
from reglet.domain.errors import DNSError, TCPError
from reglet.domain.policy.network import InvalidHostError
from reglet.domain.ports import NetworkGuard
from reglet.domain.urls import join_host_port
from reglet.infrastructure.native.dialer import Deadline, Dialer, Lookup, split_address, system_lookup
from reglet.infrastructure.native.trust import Trust, in_words, secure, tls_facts


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
        try:
            host, port = split_address(address)
            context = self.trust.context(verify=not insecure_skip_verify) if tls else None
            began = time.perf_counter()
            connection = Dialer(self.guard, self.lookup).connect(host, port, deadline)
            try:
                remote = join_host_port(*connection.getpeername()[:2])
            except OSError:
                remote = address  # the server has hung up already
            local = join_host_port(*connection.getsockname()[:2])
            if context is not None:
                connection = secure(connection, host, context, deadline)
            took = timedelta(seconds=time.perf_counter() - began)
            try:
                facts = tls_facts(connection, host) if isinstance(connection, ssl.SSLSocket) else None
            except BaseException:
                connection.close()
                raise
        except builtins.TimeoutError as error:
            raise deadline.error() from error
        except (OSError, ValueError, DNSError, InvalidHostError) as error:
            raise TCPError(address, in_words(error)) from error
        is_tls = facts is not None
        return ObservedConnection(
            remote, local, is_tls, facts or TLSFacts(), connection.close, response_time=took
        )
