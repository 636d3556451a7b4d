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
    from reglet.sandbox import native_functions as functions

    return functions(grants, log=StderrLog(), observer=observer)


@frozen
class StderrLog:
    """What a plugin logs, a line each, on stderr."""

    def write(self, message: LogMessage) -> None:
        """Write level, message and attributes."""
        attributes = "".join(f" {attribute.key}={attribute.value}" for attribute in message.attributes)
        sys.stderr.write(f"{message.level} {message.message}{attributes}\n")
