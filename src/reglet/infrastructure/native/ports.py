"""All the native ports at once, for whoever puts a host together."""

from __future__ import annotations

from attrs import frozen

from reglet.domain.context import Context
from reglet.domain.ports import CommandRunner, DNSResolver, HTTPClient, NetworkGuard, SMTPClient, TCPDialer
from reglet.infrastructure.native.commands import NativeCommandRunner
from reglet.infrastructure.native.dialer import Lookup, system_lookup
from reglet.infrastructure.native.dns import NativeDNSResolver
from reglet.infrastructure.native.http import NativeHTTPClient
from reglet.infrastructure.native.smtp import NativeSMTPClient
from reglet.infrastructure.native.tcp import NativeTCPDialer
from reglet.infrastructure.native.trust import Trust


@frozen
class NativePorts:
    """One adapter for each port."""

    http: NativeHTTPClient
    dns: NativeDNSResolver
    tcp: NativeTCPDialer
    smtp: NativeSMTPClient
    commands: NativeCommandRunner

    def bound(self, ctx: Context) -> Context:
        """Return a context in which every port is answered by these adapters."""
        ctx = ctx.with_client(HTTPClient, self.http).with_client(DNSResolver, self.dns)
        ctx = ctx.with_client(TCPDialer, self.tcp).with_client(SMTPClient, self.smtp)
        return ctx.with_client(CommandRunner, self.commands)


def native_ports(
    guard: NetworkGuard | None = None,
    *,
    ca_file: str | None = None,
    lookup: Lookup = system_lookup,
    nameservers: tuple[str, ...] = (),
) -> NativePorts:
    """Return all adapters.

    Args:
        guard: is asked before every connection; without one everything may be dialled.
        ca_file: a PEM file of the only authorities to trust; the system's by default.
        lookup: resolves the names to dial.
        nameservers: are asked in place of the system's (`address` or `address:port`).
    """
    trust = Trust(ca_file)
    return NativePorts(
        http=NativeHTTPClient(guard, trust, lookup),
        dns=NativeDNSResolver(guard, nameservers, lookup=lookup),
        tcp=NativeTCPDialer(guard, trust, lookup),
        smtp=NativeSMTPClient(guard, trust, lookup),
        commands=NativeCommandRunner(),
    )
