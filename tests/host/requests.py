"""Requests in the two dialects, and a dispatcher over fakes to send them to."""

from __future__ import annotations

import json
from typing import Any

from attrs import define, field

from reglet.domain.context import Context
from reglet.domain.entities.grants import (
    EnvironmentCapability,
    ExecCapability,
    GrantSet,
    NetworkCapability,
    NetworkRule,
)
from reglet.domain.policy import Policy
from reglet.infrastructure.host import Limits
from reglet.infrastructure.host.dispatcher import HostCallEvent, HostDispatcher, HostPorts
from reglet.testing.fake_host import FakeLog
from reglet.testing.fakes import (
    FakeCommandRunner,
    FakeDNSResolver,
    FakeHTTPClient,
    FakeSMTPClient,
    FakeTCPDialer,
)


def network(*hosts: str, ports: tuple[str, ...] = ("*",)) -> GrantSet:
    """Return grants for hosts on ports."""
    return GrantSet(network=NetworkCapability([NetworkRule(hosts, ports)]))


def commands(*patterns: str, variables: tuple[str, ...] = ()) -> GrantSet:
    """Return grants for commands, and for environment variables."""
    return GrantSet(exec=ExecCapability(patterns), env=EnvironmentCapability(variables))


@define
class FakeWorld:
    """A dispatcher over fakes, and everything behind it."""

    grants: GrantSet = field(factory=GrantSet)
    dialect: str = "abi"
    limits: Limits = field(factory=Limits)
    context: Context = field(factory=Context)
    http: FakeHTTPClient = field(factory=FakeHTTPClient)
    dns: FakeDNSResolver = field(factory=FakeDNSResolver)
    tcp: FakeTCPDialer = field(factory=FakeTCPDialer)
    smtp: FakeSMTPClient = field(factory=FakeSMTPClient)
    command: FakeCommandRunner = field(factory=FakeCommandRunner)
    log: FakeLog = field(factory=FakeLog)
    seen: list[HostCallEvent] = field(factory=list)
    _dispatcher: HostDispatcher | None = None

    def ask(self, name: str, request: Any) -> Any:
        """Send a request, JSON values or bytes, and return the answer's JSON values."""
        answer = self.dispatcher.call(
            name, request if isinstance(request, bytes) else json.dumps(request).encode()
        )
        return json.loads(answer) if answer else None

    @property
    def dispatcher(self) -> HostDispatcher:
        """The dispatcher, made at the first use."""
        if self._dispatcher is None:
            ports = HostPorts(self.http, self.dns, self.tcp, self.smtp, self.command, self.log)
            self._dispatcher = HostDispatcher(
                ports,
                Policy(self.grants),
                dialect=self.dialect,
                limits=self.limits,
                observer=self.seen.append,
                context=self.context,
            )
        return self._dispatcher
