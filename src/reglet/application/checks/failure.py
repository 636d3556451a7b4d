"""What a check answers when its config does not fit or its host call fails."""

from __future__ import annotations

from reglet.domain.entities.error_detail import ErrorDetail
from reglet.domain.errors import RegletError

_REFUSALS = frozenset({"capability", "config", "validation", "execution"})


class RefusedConfigError(RegletError):
    """A check's config lacks something; `code` is the check's own code for it."""

    error_type = "config"

    def __init__(self, message: str, code: str) -> None:
        """Say what is missing, and the code for it."""
        super().__init__(message)
        self._code = code

    @property
    def code(self) -> str:
        """The check's code, such as `MISSING_URL`."""
        return self._code


def failed_call(error: RegletError, code: str) -> ErrorDetail:
    """Return a failed host call as data.

    A call that was refused (no grant, an option the host cannot honour, a cancelled check) keeps its own
    detail. A call that was made and failed gets the check's code, and wraps what is known of the cause.
    """
    cause = error.detail()
    if cause.type in _REFUSALS:
        return cause
    return ErrorDetail(
        type="timeout" if cause.is_timeout else "network",
        message=cause.message,
        code=code,
        is_timeout=cause.is_timeout,
        is_not_found=cause.is_not_found,
        wrapped=cause if cause.code else None,
    )
