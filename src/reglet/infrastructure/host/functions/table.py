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
    from reglet.infrastructure.host.host_ports import Ports
    from reglet.infrastructure.wire.dialect import Dialect


def answerer(name: str, ports: Ports, policy: Policy, dialect: Dialect) -> Answerer[Any, Any] | None:
    """Return what answers a host function; None when there is no port for it, or no such function."""
    match name:
        case HTTPFunction.name if (http := ports.http) is not None:
            return HTTPFunction(http, policy, dialect)
        case DNSFunction.name if (dns := ports.dns) is not None:
            return DNSFunction(dns, policy, dialect)
        case TCPFunction.name if (tcp := ports.tcp) is not None:
            return TCPFunction(tcp, policy, dialect)
        case SMTPFunction.name if (smtp := ports.smtp) is not None:
            return SMTPFunction(smtp, policy, dialect)
        case ExecFunction.name if (command := ports.command) is not None:
            return ExecFunction(command, policy, dialect, ports.locate)
        case _:
            return None
