"""Every port over the host's functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reglet.domain.ports import CommandRunner, DNSResolver, HostFunctions, HTTPClient, SMTPClient, TCPDialer
from reglet.infrastructure.guest.command_runner import HostCommandRunner
from reglet.infrastructure.guest.dns_resolver import HostDNSResolver
from reglet.infrastructure.guest.host_caller import HostCaller
from reglet.infrastructure.guest.http_client import HostHTTPClient
from reglet.infrastructure.guest.smtp_client import HostSMTPClient
from reglet.infrastructure.guest.tcp_dialer import HostTCPDialer


def host_clients(functions: HostFunctions) -> Mapping[Any, object]:
    """Return a client for every port, for a `Context`; they share what they learn of the host's dialect."""
    caller = HostCaller(functions)
    return {
        HTTPClient: HostHTTPClient(caller),
        DNSResolver: HostDNSResolver(caller),
        TCPDialer: HostTCPDialer(caller),
        SMTPClient: HostSMTPClient(caller),
        CommandRunner: HostCommandRunner(caller),
    }
