"""The exceptions of the SDK: one root, families under it, each of which knows its `ErrorDetail`.

Messages, types and codes are those of the Go SDK, so that profiles and people who know one know the other.
Where there is no cause, the message ends before it.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

from attrs import evolve

from reglet.domain.entities import JSONObject
from reglet.domain.entities.result import ErrorDetail
from reglet.domain.time import format_duration
from reglet.domain.urls import without_credentials

Cause = BaseException | str | None

_TARGET_TYPES = frozenset({"network", "timeout"})
_HOST_FAULT_CODES = frozenset({"VALIDATION_ERROR", "NOT_FOUND", "INTERNAL_ERROR", "no_answer"})
"""What stands instead of a response (ABI section 4), or for none at all."""


class RegletError(Exception):
    """The root of every error that this SDK raises on purpose."""

    error_type: ClassVar[str] = "internal"

    @property
    def code(self) -> str:
        """The short code of its `ErrorDetail`."""
        return ""

    @property
    def is_timeout(self) -> bool:
        """Whether time ran out."""
        return False

    @property
    def is_not_found(self) -> bool:
        """Whether the thing asked for does not exist."""
        return False

    @property
    def concerns_target(self) -> bool:
        """Whether something is known of what was asked for: it refused, was late, or is not there.

        Otherwise nothing was asked, or nobody knows what came of it: no grant, an option or a config that
        cannot be, a host that failed. A check may make data of the one, and never of the other.
        """
        return self.error_type in _TARGET_TYPES

    @property
    def details(self) -> JSONObject:
        """Further facts for its `ErrorDetail`, JSON values by name."""
        return {}

    def detail(self) -> ErrorDetail:
        """Return the error as data, for a Result or a host's answer."""
        return ErrorDetail(
            type=self.error_type,
            message=str(self),
            code=self.code,
            is_timeout=self.is_timeout,
            is_not_found=self.is_not_found,
            details=self.details,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Let an error go to another process, whatever its constructor takes."""
        return type(self).__new__, (type(self),), {**self.__dict__, "args": self.args}


def error_detail(error: BaseException) -> ErrorDetail:
    """Return any error as data.

    A `RegletError` in the chain of causes gives its own; anything else is of type `internal`.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, RegletError):
            return seen.detail()
        seen = seen.__cause__
    return ErrorDetail(type="internal", message=str(error))


def because(message: str, cause: Cause) -> str:
    """Return a message with its cause behind it."""
    if cause is None:
        return message
    reason = str(cause)
    # a host that words it as we do has it already
    return reason if reason.startswith(message) else f"{message}: {reason}"


class HostError(RegletError):
    """A host answered with an error of its own; its detail is passed on as it came."""

    def __init__(self, detail: ErrorDetail) -> None:
        """Take what the host reported."""
        super().__init__(detail.message or detail.code or "the host answered with an empty error")
        self._detail = detail

    @property
    def code(self) -> str:
        """The host's code."""
        return self._detail.code

    @property
    def is_timeout(self) -> bool:
        """What the host reported."""
        return self._detail.is_timeout

    @property
    def is_not_found(self) -> bool:
        """What the host reported."""
        return self._detail.is_not_found

    @property
    def concerns_target(self) -> bool:
        """Whether the host says that the target failed: of anything else it says, nothing is known."""
        said: ErrorDetail | None = self._detail
        if said is not None and said.type not in _TARGET_TYPES:
            return False
        while said is not None and said.code not in _HOST_FAULT_CODES:
            said = said.wrapped
        return said is None

    def detail(self) -> ErrorDetail:
        """Return what the host reported."""
        return self._detail


class CausedError(RegletError):
    """An error that another one, or a sentence, explains."""

    def __init__(self, message: str, cause: Cause) -> None:
        """Take what failed, and why."""
        super().__init__(because(message, cause))
        self.cause = cause
        if isinstance(cause, BaseException):
            self.__cause__ = cause

    @property
    def is_not_found(self) -> bool:
        """Whether the cause is that the thing asked for does not exist, such as the name of a host."""
        return getattr(self.cause, "is_not_found", False) is True

    @property
    def concerns_target(self) -> bool:
        """Whether its kind does, and a host that reported the cause took the request."""
        reported = not isinstance(self.cause, HostError) or self.cause.concerns_target
        return super().concerns_target and reported

    def detail(self) -> ErrorDetail:
        """Return the error as data; what a host reported of the cause goes along whole."""
        detail = super().detail()
        return evolve(detail, wrapped=self.cause.detail()) if isinstance(self.cause, HostError) else detail


class ConfigError(CausedError):
    """A config does not fit. `field` names where; `reason` is what is wrong with the value seen there."""

    error_type = "config"

    def __init__(self, field: str = "", reason: Cause = None) -> None:
        """Describe what is wrong with `field`, or with the config as a whole."""
        message = f"config validation failed for field '{field}'" if field else "config validation failed"
        super().__init__(message, reason)
        self.field = field

    @property
    def code(self) -> str:
        """The field."""
        return self.field


class ConfigProblemsError(RegletError):
    """Everything that is wrong with a config, each as `message @ $.path`."""

    error_type = "config"

    def __init__(self, problems: Sequence[str]) -> None:
        """Take the problems in the order of the config's fields."""
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)

    @property
    def details(self) -> JSONObject:
        """The problems as a list."""
        return {"problems": list(self.problems)}


class UnsupportedOptionError(RegletError):
    """An option was set that the host cannot take, or did not apply."""

    error_type = "config"

    def __init__(self, option: str, value: object, reason: str) -> None:
        """Name the option, the value asked for, and why it cannot be had."""
        super().__init__(f"option {option}={value!r} cannot be honoured: {reason}")
        self.option = option
        self.value = value

    @property
    def code(self) -> str:
        """`unsupported_option`."""
        return "unsupported_option"


class SchemaError(CausedError):
    """A type has no schema that every host accepts, or a value does not fit one."""

    error_type = "validation"

    def __init__(self, schema_type: str = "", cause: Cause = None) -> None:
        """Describe what is wrong with the type."""
        super().__init__(f"schema error for type {schema_type}" if schema_type else "schema error", cause)
        self.schema_type = schema_type

    @property
    def code(self) -> str:
        """`schema`."""
        return "schema"


class DefinitionError(RegletError):
    """A plugin, model or operation is written so that it cannot work; the message shows how to write it."""

    error_type = "validation"


class CapabilityError(RegletError):
    """Something was asked for that no grant covers.

    `required` is the kind and what is missing, such as `network:example.com:443`; `pattern` the pattern
    that was refused; `hint` is what to do about it.
    """

    error_type = "capability"

    def __init__(self, required: str, pattern: str = "", hint: str = "") -> None:
        """Describe the missing grant."""
        message = f"missing capability: {required}"
        message += f" (pattern: {pattern})" if pattern else ""
        super().__init__(f"{message}; {hint}" if hint else message)
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


class ConnectionFailedError(CausedError):
    """A failure on the network, which counts as a timeout when its cause is one."""

    error_type = "network"

    @property
    def is_timeout(self) -> bool:
        """Whether the cause is a timeout."""
        return (
            isinstance(self.cause, builtins.TimeoutError) or getattr(self.cause, "is_timeout", False) is True
        )

    def detail(self) -> ErrorDetail:
        """Return the error as data, of type `timeout` when its cause is one."""
        detail = super().detail()
        return evolve(detail, type="timeout") if detail.is_timeout else detail


class NetworkError(CausedError):
    """A network operation failed. `operation` is a verb such as `connect`; `target` is with what."""

    error_type = "network"

    def __init__(self, operation: str, target: str = "", cause: Cause = None) -> None:
        """Describe the failure of `operation` on `target`."""
        message = f"network {operation} failed for {target}" if target else f"network {operation} failed"
        super().__init__(message, cause)
        self.operation = operation
        self.target = target

    @property
    def code(self) -> str:
        """The operation."""
        return self.operation


TIMEOUT_WORDS = "timeout after"
"""What stands before the duration in the message of a timeout."""


class TimeoutError(RegletError, builtins.TimeoutError):  # noqa: A001 - it is one, for whoever catches the builtin
    """An operation did not end within its time."""

    error_type = "timeout"

    def __init__(
        self,
        operation: str,
        duration: timedelta | None = timedelta(),
        target: str = "",
        *,
        asked: bool = True,
    ) -> None:
        """Describe what took longer than `duration`; None is the host's own limit, not known here.

        Where time had run out before, so that nothing was `asked`, nothing is known of the target.
        """
        message = f"{operation} timeout"
        if duration is not None:
            message = f"{operation} {TIMEOUT_WORDS} {format_duration(duration)}"
        super().__init__(f"{message} (target: {target})" if target else message)
        self.operation = operation
        self.duration = duration or timedelta()
        self.target = target
        self._asked = asked

    @property
    def code(self) -> str:
        """The operation."""
        return self.operation

    @property
    def is_timeout(self) -> bool:
        """True."""
        return True

    @property
    def concerns_target(self) -> bool:
        """Whether the target was asked, and late."""
        return self._asked

    def detail(self) -> ErrorDetail:
        """Return the error as data; what a host reported of it goes along whole."""
        detail = super().detail()
        cause = self.__cause__
        return evolve(detail, wrapped=cause.detail()) if isinstance(cause, HostError) else detail


class DNSError(ConnectionFailedError):
    """A look-up failed; `is_not_found` means that the name does not exist."""

    def __init__(
        self,
        hostname: str,
        record_type: str,
        cause: Cause = None,
        nameserver: str = "",
        *,
        not_found: bool = False,
    ) -> None:
        """Describe the failed look-up."""
        via = f" via {nameserver}" if nameserver else ""
        super().__init__(f"dns lookup for {hostname} ({record_type}){via} failed", cause)
        self.hostname = hostname
        self.record_type = record_type
        self.nameserver = nameserver
        self._not_found = not_found

    @property
    def code(self) -> str:
        """`dns_` and the record type."""
        return f"dns_{self.record_type}"

    @property
    def is_not_found(self) -> bool:
        """Whether the name does not exist."""
        return self._not_found


class HTTPError(ConnectionFailedError):
    """A request got no usable answer. User name and password of the URL are left out of it."""

    def __init__(self, method: str, url: str, cause: Cause = None, status_code: int = 0) -> None:
        """Describe the failed request."""
        status = f" with status {status_code}" if status_code > 0 else ""
        shown = without_credentials(url)
        super().__init__(f"http {method} {shown} failed{status}", cause)
        self.method = method
        self.url = shown
        self.status_code = status_code

    @property
    def code(self) -> str:
        """`http_` and the status code, 0 where there was none."""
        return f"http_{self.status_code}"


class TCPError(ConnectionFailedError):
    """A connection could not be made."""

    def __init__(self, address: str, cause: Cause = None, network: str = "tcp") -> None:
        """Describe the failed connection."""
        super().__init__(f"tcp connect to {address} ({network}) failed", cause)
        self.address = address
        self.network = network

    @property
    def code(self) -> str:
        """`tcp_connect`."""
        return "tcp_connect"


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
