"""What can be wrong with a WebAssembly module."""

from __future__ import annotations

from reglet.domain.errors import RegletError


class ModuleFormatError(RegletError):
    """Bytes that are not a WebAssembly module as this package understands one.

    Attributes:
        reason: what is wrong, without the place.
        offset: where in the module, in bytes from its start.
    """

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(f"WebAssembly module, offset {offset} (0x{offset:x}): {reason}")
        self.reason = reason
        self.offset = offset
