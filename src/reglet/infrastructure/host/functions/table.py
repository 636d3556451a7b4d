"""Which class answers which host function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reglet.infrastructure.host.functions.dns_lookup import DNSFunction
from reglet.infrastructure.host.functions.exec_command import ExecFunction
from reglet.infrastructure.host.functions.http_request import HTTPFunction
from reglet.infrastructure.host.functions.smtp_connect import SMTPFunction
from reglet.infrastructure.host.functions.tcp_connect import TCPFunction

if TYPE_CHECKING:
    from reglet.domain.policy import Policy
    from reglet.infrastructure.host.functions.answerer import Answerer
    from reglet.infrastructure.host.host_ports import HostPorts
    from reglet.infrastructure.wire.dialect import Dialect


def answerers(ports: HostPorts, policy: Policy, dialect: Dialect) -> dict[str, Answerer[Any, Any]]:
    """Return what answers each host function that has a port."""
    offered: dict[str, Answerer[Any, Any]] = {}
    if ports.http is not None:
        offered[HTTPFunction.name] = HTTPFunction(ports.http, policy, dialect)
    if ports.dns is not None:
        offered[DNSFunction.name] = DNSFunction(ports.dns, policy, dialect)
    if ports.tcp is not None:
        offered[TCPFunction.name] = TCPFunction(ports.tcp, policy, dialect)
    if ports.smtp is not None:
        offered[SMTPFunction.name] = SMTPFunction(ports.smtp, policy, dialect)
    if ports.command is not None:
        offered[ExecFunction.name] = ExecFunction(ports.command, policy, dialect, ports.locate)
    return offered
