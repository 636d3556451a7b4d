"""What can go wrong with a module, a guest or a host: one line each, with what to do."""

from __future__ import annotations

from reglet.domain.errors import RegletError


class SandboxError(RegletError):
    """The root of what the sandbox raises."""


class NotAPluginError(SandboxError):
    """A file is not a Reglet plugin; the text says what it is instead."""

    error_type = "validation"

    def __init__(self, source: str, reason: str) -> None:
        """Name the file and what is wrong with it."""
        super().__init__(f"{source} is not a Reglet plugin: {reason}")
        self.source = source

    @property
    def code(self) -> str:
        """`not_a_plugin`."""
        return "not_a_plugin"


class GuestTrapError(SandboxError):
    """A guest ended in a trap, or called `proc_exit`; its instance is gone, the host goes on."""

    error_type = "panic"

    def __init__(self, call: str, reason: str, stderr: str = "") -> None:
        """Name the export that was called, why it ended, and the last that the guest wrote."""
        said = f"; the last it wrote: {stderr.strip()}" if stderr.strip() else ""
        super().__init__(f"the plugin ended in {call}: {reason}{said}")
        self.call = call
        self.stderr = stderr

    @property
    def code(self) -> str:
        """`guest_trap`."""
        return "guest_trap"


class GuestAnswerError(SandboxError):
    """A guest answered with something that is not an answer (ABI sections 1 and 2)."""

    def __init__(self, call: str, reason: str) -> None:
        """Name the export that was called and what is wrong with its answer."""
        super().__init__(f"the plugin's {call} gave no usable answer: {reason}")
        self.call = call

    @property
    def code(self) -> str:
        """`guest_answer`."""
        return "guest_answer"


class LimitExceededError(SandboxError):
    """A guest was stopped at one of its limits."""

    def __init__(self, limit: str, allowed: str, what: str, *, is_timeout: bool = False) -> None:
        """Name the field of `Limits`, its value, and what went beyond it."""
        super().__init__(f"{what}; the limit is {allowed} (Limits.{limit})")
        self.limit = limit
        self._timeout = is_timeout
        if is_timeout:
            self.error_type = "timeout"  # type: ignore[misc]  # this family has two types on the wire

    @property
    def code(self) -> str:
        """`limit_` and the limit's name."""
        return f"limit_{self.limit}"

    @property
    def is_timeout(self) -> bool:
        """Whether it was the limit on time."""
        return self._timeout


class SandboxClosedError(SandboxError):
    """A sandbox, or a module of it, was used after it was closed."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("the sandbox is closed: load the module in a new one")


class WorkerLostError(SandboxError):
    """What did a check for somebody else ended before it answered; nobody knows what came of the check."""

    def __init__(self, reason: str) -> None:
        """Say what became of it."""
        super().__init__(f"the check has no result: {reason}")

    @property
    def code(self) -> str:
        """`worker_lost`."""
        return "worker_lost"
