"""The structured form of an error: what a Result and a host's answer carry (ABI section 2)."""

from __future__ import annotations

from attrs import field, frozen

from reglet.domain.entities import JSONObject

ERROR_TYPES = frozenset(
    {"network", "timeout", "config", "panic", "capability", "validation", "internal", "execution", "exec"}
)
"""The values of `ErrorDetail.type` that hosts know (ABI section 2)."""


@frozen
class ErrorDetail:
    """An error as data.

    Attributes:
        type: the family, one of `ERROR_TYPES`.
        message: what happened, for a person.
        code: a short machine-readable code; may be empty.
        is_timeout: whether time ran out.
        is_not_found: whether the thing asked for does not exist.
        wrapped: the error that caused this one.
        details: further facts, JSON values by name.
        stack: a traceback in UTF-8.
    """

    type: str = ""
    message: str = ""
    code: str = ""
    is_timeout: bool = False
    is_not_found: bool = False
    wrapped: ErrorDetail | None = None
    details: JSONObject = field(factory=dict)
    stack: bytes = field(default=b"", repr=False)

    def __str__(self) -> str:
        """Return `type: message [code]: wrapped`, as the Go SDK does; type internal goes unsaid."""
        written = self.message if self.type in ("", "internal") else f"{self.type}: {self.message}"
        if self.code:
            written += f" [{self.code}]"
        if self.wrapped is not None:
            written += f": {self.wrapped}"
        return written
