"""The ports that a dispatcher answers host functions with."""

from __future__ import annotations

from typing import Protocol

from attrs import frozen

from reglet.domain.ports import (
    CommandRunner,
    DNSResolver,
    HTTPClient,
    LogSink,
    SMTPClient,
    TCPDialer,
    Which,
)


class Ports(Protocol):
    """One port a host function; None means that the function is not offered.

    A port is asked for when its function is first called, so one that is costly to make may wait until
    then. `locate` finds the file that a command means, which then is judged and run; without it, as for
    fakes, a command's name is all there is.
    """

    @property
    def http(self) -> HTTPClient | None:
        """What answers `http_request`."""
        ...

    @property
    def dns(self) -> DNSResolver | None:
        """What answers `dns_lookup`."""
        ...

    @property
    def tcp(self) -> TCPDialer | None:
        """What answers `tcp_connect`."""
        ...

    @property
    def smtp(self) -> SMTPClient | None:
        """What answers `smtp_connect`."""
        ...

    @property
    def command(self) -> CommandRunner | None:
        """What answers `exec_command`."""
        ...

    @property
    def log(self) -> LogSink | None:
        """What takes `log_message`."""
        ...

    @property
    def locate(self) -> Which | None:
        """What finds a command's file."""
        ...


@frozen
class HostPorts:
    """Ports that are there already."""

    http: HTTPClient | None = None
    dns: DNSResolver | None = None
    tcp: TCPDialer | None = None
    smtp: SMTPClient | None = None
    command: CommandRunner | None = None
    log: LogSink | None = None
    locate: Which | None = None
