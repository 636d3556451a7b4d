"""The native ports, put together: what a host over the real network and real processes is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from attrs import frozen

from reglet.domain.context import Context, ContextBound
from reglet.domain.ports import (
    CommandRunner,
    DNSResolver,
    HTTPClient,
    LogSink,
    NetworkGuard,
    SMTPClient,
    TCPDialer,
    Which,
)


@frozen
class NativePorts:
    """One adapter a port. Each client is imported for its first call: who uses no network needs no package.

    Attributes:
        guard: is asked before every connection.
        log: takes what plugins log.
        ca_file: a PEM file of the only authorities to trust; the system's by default.
        nameservers: are asked in place of the system's (`address` or `address:port`).
    """

    guard: NetworkGuard
    log: LogSink | None = None
    ca_file: str | None = None
    nameservers: tuple[str, ...] = ()

    @property
    def http(self) -> HTTPClient:
        """HTTP over httpcore."""

        def make() -> ContextBound:
            from reglet.infrastructure.native.http import NativeHTTPClient
            from reglet.infrastructure.native.trust import Trust

            return NativeHTTPClient(self.guard, Trust(self.ca_file))

        return cast("HTTPClient", _Deferred(make))

    @property
    def dns(self) -> DNSResolver:
        """DNS over dnspython."""

        def make() -> ContextBound:
            from reglet.infrastructure.native.dns import NativeDNSResolver

            return NativeDNSResolver(self.guard, self.nameservers)

        return cast("DNSResolver", _Deferred(make))

    @property
    def tcp(self) -> TCPDialer:
        """TCP and TLS over sockets and cryptography."""

        def make() -> ContextBound:
            from reglet.infrastructure.native.tcp import NativeTCPDialer
            from reglet.infrastructure.native.trust import Trust

            return NativeTCPDialer(self.guard, Trust(self.ca_file))

        return cast("TCPDialer", _Deferred(make))

    @property
    def smtp(self) -> SMTPClient:
        """Mail servers over smtplib."""

        def make() -> ContextBound:
            from reglet.infrastructure.native.smtp import NativeSMTPClient
            from reglet.infrastructure.native.trust import Trust

            return NativeSMTPClient(self.guard, Trust(self.ca_file))

        return cast("SMTPClient", _Deferred(make))

    @property
    def exec(self) -> CommandRunner:
        """Programs over subprocess."""
        from reglet.infrastructure.native.exec import NativeCommandRunner

        return NativeCommandRunner()

    @property
    def which(self) -> Which:
        """What finds the file of a program, so that the policy is asked about what is run."""
        from reglet.infrastructure.native.exec import which_program

        return which_program


@frozen
class _Deferred:
    """A client that is imported for the first call that is allowed: host functions ask it `in_context`."""

    make: Callable[[], ContextBound]

    def in_context(self, ctx: Context) -> ContextBound:
        return self.make().in_context(ctx)
