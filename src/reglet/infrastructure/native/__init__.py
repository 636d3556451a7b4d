"""The native ports, put together: what a host over the real network and real processes is made of."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import timedelta
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, cast

from attrs import frozen

from reglet.domain.context import Context, ContextBound
from reglet.domain.errors import RegletError
from reglet.domain.policy.network import Target
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
from reglet.domain.urls import DNS_PORT
from reglet.infrastructure.extras import MissingPackageError

if TYPE_CHECKING:
    from reglet.infrastructure.native.trust import Trust


@frozen(eq=False, repr=False)
class NativePorts:
    """One adapter a port. Clients are imported where they are granted, or called: others need no package.

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

    def prepare(self, kinds: Collection[str]) -> None:
        """Import and warm what answers calls of these kinds of capability.

        It is done before a check begins, so that no time that a check measures or may take has it in it.
        """
        if "network" in kinds:
            _prepare_network(self._trust)
        if "exec" in kinds:
            import_module(f"{__name__}.commands")

    @property
    def _trust(self) -> Trust:
        from reglet.infrastructure.native.trust import Trust

        return Trust(self.ca_file)

    @property
    def http(self) -> HTTPClient:
        """HTTP/1.1 and 2."""

        def make() -> ContextBound:
            from reglet.infrastructure.native.http import NativeHTTPClient

            return NativeHTTPClient(self.guard, self._trust)

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
        """TCP and TLS over sockets."""

        def make() -> ContextBound:
            from reglet.infrastructure.native.tcp import NativeTCPDialer

            return NativeTCPDialer(self.guard, self._trust)

        return cast("TCPDialer", _Deferred(make))

    @property
    def smtp(self) -> SMTPClient:
        """Mail servers over sockets."""

        def make() -> ContextBound:
            from reglet.infrastructure.native.smtp import NativeSMTPClient

            return NativeSMTPClient(self.guard, self._trust)

        return cast("SMTPClient", _Deferred(make))

    @property
    def exec(self) -> CommandRunner:
        """Programs over subprocess."""
        from reglet.infrastructure.native.commands import NativeCommandRunner

        return NativeCommandRunner()

    @property
    def which(self) -> Which:
        """What finds the file of a program, so that the policy is asked about what is run."""
        from reglet.infrastructure.native.commands import which_program

        return which_program


_MOST_WARMING = timedelta(milliseconds=500)


@cache
def _prepare_network(trust: Trust) -> None:
    from reglet.infrastructure.native.dialer import Deadline, Dialer

    for name in ("http", "dns", "tcp", "smtp"):
        # a package or a file that is missing is reported by the call that needs it
        with suppress(MissingPackageError, OSError):
            module = import_module(f"{__name__}.{name}")
            if name == "http":
                module.warm(trust)
            elif name == "dns":
                module.warm()
    for verify in (True, False):
        with suppress(OSError):
            trust.context(verify=verify)
    with suppress(RegletError):
        # the system loads what knows its hosts file when a name is first looked up
        deadline = Deadline.start("dns lookup", "localhost", _MOST_WARMING, Context())
        Dialer().resolve(Target.of("localhost", DNS_PORT), deadline)


@frozen(eq=False, repr=False)
class _Deferred:
    """A client that is imported for the first call that is allowed: host functions ask it `in_context`."""

    make: Callable[[], ContextBound]

    def in_context(self, ctx: Context) -> ContextBound:
        return self.make().in_context(ctx)
