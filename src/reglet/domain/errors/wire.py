"""What is wrong with bytes and memory between plugin and host."""

from __future__ import annotations

from reglet.domain.errors.base import Cause, CausedError, RegletError


class WireFormatError(CausedError):
    """Bytes on the wire are not what they should be, or cannot be made."""

    def __init__(self, operation: str, record: str, cause: Cause = None) -> None:
        """Describe the failure of `operation` (`encode`, `decode`) on a record."""
        super().__init__(f"wire format {operation} failed for {record}", cause)
        self.operation = operation
        self.record = record

    @property
    def code(self) -> str:
        """`wire_format`."""
        return "wire_format"


class MemoryLimitError(RegletError):
    """More memory was asked for than a plugin may hold (ABI section 1)."""

    def __init__(self, requested: int = 0, current: int = 0, limit: int = 0) -> None:
        """Describe the request; all three are bytes."""
        held = f"current {current} bytes, limit {limit} bytes"
        super().__init__(f"memory allocation failed: requested {requested} bytes, {held}")
        self.requested = requested
        self.current = current
        self.limit = limit

    @property
    def code(self) -> str:
        """`memory_limit`."""
        return "memory_limit"
