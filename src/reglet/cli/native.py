"""The real world behind the seam, guarded by the grants of a run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from reglet.domain.entities.grants import GrantSet
    from reglet.domain.entities.log_record import LogMessage
    from reglet.domain.ports.host_functions import HostFunctions
    from reglet.infrastructure.host.host_call import Observer


def native_functions(grants: GrantSet, observer: Observer | None = None) -> HostFunctions:
    """Return host functions over the real network and real processes; `observer` is told each call."""
    from reglet.domain.policy import Policy, PolicyGuard
    from reglet.infrastructure.host.dispatcher import HostDispatcher
    from reglet.infrastructure.host.host_ports import HostPorts
    from reglet.infrastructure.native.ports import native_ports

    policy = Policy(grants)
    native = native_ports(PolicyGuard(policy))
    ports = HostPorts(
        http=native.http,
        dns=native.dns,
        tcp=native.tcp,
        smtp=native.smtp,
        command=native.commands,
        log=StderrLog(),
    )
    return HostDispatcher(ports, policy, observer=observer)


@frozen
class StderrLog:
    """What a plugin logs, a line each, on stderr."""

    def write(self, message: LogMessage) -> None:
        """Write level, message and attributes."""
        attributes = "".join(f" {attribute.key}={attribute.value}" for attribute in message.attributes)
        sys.stderr.write(f"{message.level} {message.message}{attributes}\n")
