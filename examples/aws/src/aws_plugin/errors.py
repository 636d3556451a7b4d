"""What AWS answers when it refuses, in the families that profiles know."""

from __future__ import annotations

from attrs import frozen

import reglet
from reglet.errors import RegletError


@frozen
class _Family:
    type: str
    prefix: str
    is_timeout: bool = False
    is_not_found: bool = False


_DENIED = _Family("capability", "AWS permission denied")
_THROTTLED = _Family("timeout", "AWS rate limit exceeded", is_timeout=True)
_PARAMETER = _Family("config", "Invalid AWS parameter")
_NOT_FOUND = _Family("config", "AWS resource not found", is_not_found=True)
_UNAVAILABLE = _Family("network", "AWS service unavailable")
_OTHER = _Family("internal", "AWS API error")

_CODES = {
    "AccessDenied": _DENIED,
    "AccessDeniedException": _DENIED,
    "UnauthorizedOperation": _DENIED,
    "Throttling": _THROTTLED,
    "RequestLimitExceeded": _THROTTLED,
    "ValidationException": _PARAMETER,
    "ResourceNotFoundException": _NOT_FOUND,
    "NoSuchEntity": _NOT_FOUND,
    "ServiceUnavailable": _UNAVAILABLE,
    "InternalFailure": _UNAVAILABLE,
}


class AWSError(RegletError):
    """AWS answered with an error."""

    def __init__(self, status: int, aws_code: str, message: str) -> None:
        """Take the HTTP status, the code such as `AccessDenied`, and the message of AWS."""
        self.status = status
        self.aws_code = aws_code
        self._family = _family(aws_code)
        super().__init__(f"{self._family.prefix}: {aws_code} - {message} (HTTP {status})")

    @property
    def code(self) -> str:
        """The code that AWS gave."""
        return self.aws_code

    def detail(self) -> reglet.ErrorDetail:
        """Return the error as data, in the family of its code."""
        return reglet.ErrorDetail(
            type=self._family.type,
            message=str(self),
            code=self.aws_code,
            is_timeout=self._family.is_timeout,
            is_not_found=self._family.is_not_found,
            details={"http_status": self.status},
        )


class MalformedAnswerError(AWSError):
    """An answer with status 200 that is none: a proxy's page, another action's answer, a cut one."""

    def __init__(self, reason: str) -> None:
        """Take what is wrong with it."""
        super().__init__(200, "MalformedAnswer", f"failed to parse AWS response: {reason}")


def _family(code: str) -> _Family:
    if code in _CODES:
        return _CODES[code]
    if code.startswith("InvalidParameter"):
        return _PARAMETER
    return _NOT_FOUND if code.endswith("NotFound") else _OTHER
