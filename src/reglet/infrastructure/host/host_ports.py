"""The ports that a dispatcher answers host functions with."""

from __future__ import annotations

from attrs import frozen

from reglet.domain.ports.command_runner import CommandRunner
from reglet.domain.ports.dns_resolver import DNSResolver
from reglet.domain.ports.http_client import HTTPClient
from reglet.domain.ports.log_sink import LogSink
from reglet.domain.ports.smtp_client import SMTPClient
from reglet.domain.ports.tcp_dialer import TCPDialer
from reglet.infrastructure.host.programs import Locate


@frozen
class HostPorts:
    """One port a host function; None means that the function is not offered.

    `locate` finds the file that a command means, which then is judged and run; without it, as for fakes,
    a command's name is all there is.
    """

    http: HTTPClient | None = None
    dns: DNSResolver | None = None
    tcp: TCPDialer | None = None
    smtp: SMTPClient | None = None
    command: CommandRunner | None = None
    log: LogSink | None = None
    locate: Locate | None = None
