"""What a plugin logs, a line each, on stderr."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from reglet.domain.entities.records import LogMessage


@frozen
class StderrLog:
    """Takes log messages and writes their level, text and attributes."""

    def write(self, message: LogMessage) -> None:
        """Write one line."""
        attributes = "".join(f" {attribute.key}={attribute.value}" for attribute in message.attributes)
        sys.stderr.write(f"{message.level} {message.message}{attributes}\n")
