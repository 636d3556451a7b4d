"""How much a guest may take, and what can go wrong with a module, a guest or a host."""

from __future__ import annotations

from datetime import timedelta

from attrs import asdict, frozen

from reglet.domain.errors import RegletError
from reglet.infrastructure.atomic import MIB


class SandboxError(RegletError):
    """The root of what the sandbox raises."""


class NotAPluginError(SandboxError):
    """A file is not a Reglet plugin; the message has what it is instead."""

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


@frozen
class Limits:
    """How much a guest may take of the host, each for one call unless said otherwise.

    Attributes:
        memory: bytes of linear memory; a guest that asks for more gets none.
        wall_time: from the call to its answer: the wait for a place among `instances`, the start of the
            guest and the reading of its answer included.
        fuel: about the number of instructions, None for no such limit. A limit makes the module compile
            anew and run slower, but stops every run at the same instruction.
        request_bytes: a config, or the request of a host call (ABI section 1: 1 MB).
        response_bytes: the answer to a host call: 10 MB of body in base64, and its headers.
        result_bytes: a Result or a Manifest.
        output_bytes: what is kept of stdout and of stderr; the rest is dropped.
        written_bytes: what is written to granted files, or by how much they grow where that is more (a sparse
            file counts whole), and 4 KiB for each file opened for writing and each directory made. A guest
            that goes on gets an I/O error, as on a full disk.
        host_calls: calls of host functions, log messages not counted.
        log_messages: log messages that are passed on; the rest is dropped.
        result_values: values in the JSON of a Result or a Manifest.
        compile_time: for compiling a module of other code than this SDK's plugins share, once a machine.
        compile_memory: bytes that compiling it may take; on Windows time alone is limited.
        instances: guests alive at one moment in one sandbox; more calls wait.
    """

    memory: int = 256 * MIB
    wall_time: timedelta = timedelta(seconds=60)
    fuel: int | None = None
    request_bytes: int = MIB
    response_bytes: int = 16 * MIB
    result_bytes: int = 16 * MIB
    result_values: int = 500_000
    output_bytes: int = MIB
    written_bytes: int = 64 * MIB
    host_calls: int = 1_000
    log_messages: int = 1_000
    compile_time: timedelta = timedelta(seconds=60)
    compile_memory: int = 1024 * MIB
    instances: int = 16

    def __attrs_post_init__(self) -> None:
        """Refuse a limit of nothing."""
        for name, value in asdict(self).items():
            size = value.total_seconds() if isinstance(value, timedelta) else value
            if size is not None and size <= 0:
                raise ValueError(f"Limits.{name} must be more than nothing, not {value}")
