"""Host functions over the clients of a context, so that a plugin elsewhere meets the same fakes."""

from __future__ import annotations

from typing import Any

from reglet.application.clients import try_get_client
from reglet.domain.context import Context
from reglet.domain.entities.grants import (
    ExecCapability,
    GrantSet,
    NetworkCapability,
    NetworkRule,
)
from reglet.domain.policy import Policy
from reglet.domain.ports import CommandRunner, DNSResolver, HostFunctions, HTTPClient, SMTPClient, TCPDialer
from reglet.infrastructure.host.dispatcher import HostDispatcher
from reglet.infrastructure.host.functions import HostPorts
from reglet.testing.fakes.dns import FakeDNSResolver, LookupTypes

EVERYTHING = GrantSet(
    network=NetworkCapability([NetworkRule(["*", "0.0.0.0/0", "::/0"], ["*"])]),
    exec=ExecCapability(["**"]),
)
"""What is granted where a test gives the clients itself: it decides, not a capability."""


def functions_over(ctx: Context) -> HostFunctions:
    """Return host functions that the clients of `ctx` answer; those it lacks are not offered."""

    def client(port: Any) -> Any:
        return try_get_client(ctx, port)

    dns = client(DNSResolver)
    ports = HostPorts(client(HTTPClient), dns, client(TCPDialer), client(SMTPClient), client(CommandRunner))
    dispatcher = HostDispatcher(ports, Policy(EVERYTHING))
    return LookupTypes(dispatcher, dns) if isinstance(dns, FakeDNSResolver) else dispatcher
