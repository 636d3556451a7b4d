"""How host functions fail on the wire: the answer in place of an answer, and the codes (ABI section 4)."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from reglet.domain.errors import CancelledError, RegletError, UnsupportedOptionError
from reglet.infrastructure.wire.failures import encode_failure

if TYPE_CHECKING:
    from reglet.domain.errors import CapabilityError, WireFormatError


def refused(reason: str) -> bytes:
    """Return the answer to a request that breaks a rule of the host."""
    return encode_failure("VALIDATION_ERROR", reason)


def undecodable(problem: WireFormatError) -> bytes:
    """Return the answer that makes a guest try the other dialect (ABI section 5)."""
    return refused(f"failed to unmarshal request: {problem}")


def denied(problem: CapabilityError) -> bytes:
    """Return the Go host SDK's answer to what no grant covers."""
    kind, _, pattern = problem.required.partition(":")
    hint = f"; {problem.hint}" if problem.hint else ""
    return refused(f"{kind} capability denied: {pattern}{hint}")


def unknown(name: str) -> bytes:
    """Return the answer to a function that does not exist."""
    return encode_failure("NOT_FOUND", f"there is no host function {name}")


def not_offered(name: str) -> bytes:
    """Return the answer to a function that this host has no port for."""
    return encode_failure("NOT_FOUND", f"this host does not offer {name}")


def internal() -> bytes:
    """Return the answer where the host itself failed; what happened is in its log alone."""
    return encode_failure("INTERNAL_ERROR", "the host failed; its log says how")


def hostlib_code(problem: RegletError, otherwise: str) -> str:
    """Return the Go host SDK's code for a failure; `otherwise` is that of the function."""
    if problem.is_timeout:
        return "TIMEOUT"
    if isinstance(problem, UnsupportedOptionError | CancelledError):
        return "INVALID_REQUEST"
    if problem.is_not_found and otherwise != "LOOKUP_FAILED":
        return "HOST_NOT_FOUND"
    return "CONNECTION_REFUSED" if _is_refused(problem) else otherwise


def _is_refused(problem: BaseException | None) -> bool:
    while problem is not None:
        if isinstance(problem, OSError) and problem.errno == errno.ECONNREFUSED:
            return True
        problem = problem.__cause__
    return False
