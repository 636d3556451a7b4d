"""The port for a plugin's log."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from reglet.domain.entities.log_record import LogMessage


@runtime_checkable
class LogSink(Protocol):
    """Takes what a plugin logs."""

    def write(self, message: LogMessage) -> None:
        """Take one message."""
        ...
