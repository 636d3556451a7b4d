"""What ends a check: a missing grant or client, a command that fails, a cancellation, or its own answer."""

from __future__ import annotations

from collections.abc import Sequence

from reglet.domain.errors.base import Cause, CausedError, RegletError


class CapabilityError(RegletError):
    """Something was asked for that no grant covers.

    `required` is the kind and what is missing, such as `network:example.com:443`; `pattern` the pattern
    that was refused; `hint` says what to do about it.
    """

    error_type = "capability"

    def __init__(self, required: str, pattern: str = "", hint: str = "") -> None:
        """Describe the missing grant."""
        text = f"missing capability: {required}"
        text += f" (pattern: {pattern})" if pattern else ""
        super().__init__(f"{text}; {hint}" if hint else text)
        self.required = required
        self.pattern = pattern
        self.hint = hint

    @property
    def code(self) -> str:
        """What is required."""
        return self.required


class MissingClientError(RegletError):
    """A context has no client for a port."""

    def __init__(self, port: str, bound: Sequence[str] = ()) -> None:
        """Name the port that was asked for and those that are bound."""
        there = ", ".join(bound) or "none"
        super().__init__(f"no client for {port} in this context (bound: {there}); add one with with_client")
        self.port = port
        self.bound = tuple(bound)

    @property
    def code(self) -> str:
        """`missing_client`."""
        return "missing_client"


class ExecError(CausedError):
    """A command could not be run, or ended badly where that is an error."""

    error_type = "exec"

    def __init__(self, command: str, cause: Cause = None, exit_code: int = 0, stderr: str = "") -> None:
        """Describe the failure: its cause if it did not start, else what it wrote and its exit code."""
        if cause is not None:
            super().__init__(f"failed to execute '{command}'", cause)
        else:
            super().__init__(f"command '{command}' exited with code {exit_code}", stderr or None)
            self.cause = None
        self.command = command
        self.exit_code = exit_code
        self.stderr = stderr

    @property
    def code(self) -> str:
        """`exit_` and the exit code."""
        return f"exit_{self.exit_code}"


class CancelledError(RegletError):
    """The check was cancelled before this call was made."""

    error_type = "execution"

    def __init__(self, operation: str) -> None:
        """Name the call that was not made."""
        super().__init__(f"{operation} was not made: the check is cancelled")
        self.operation = operation

    @property
    def code(self) -> str:
        """`cancelled`."""
        return "cancelled"


class CheckFailed(Exception):  # noqa: N818 - an outcome, not an error
    """Raised by a handler to answer: checked, and not as it should be (status failure)."""

    def __init__(self, message: str, data: object = None) -> None:
        """Take the Result's message and data: a JSON object, or the operation's output."""
        super().__init__(message)
        self.message = message
        self.data = data
