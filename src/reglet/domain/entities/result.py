"""What a check answers: its status, its data, its error, and when it ran."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from attrs import evolve, field, frozen

from reglet.domain.entities import JSONObject, JSONValue
from reglet.domain.time import ZERO_TIME, nanoseconds_between

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


class ResultStatus(StrEnum):
    """The three outcomes of a check (ABI section 2)."""

    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"


def _member(status: ResultStatus | str) -> ResultStatus:
    # an enum that is called, even with a member, takes as long as the whole Result
    return status if isinstance(status, ResultStatus) else ResultStatus(status)


@frozen
class RunMetadata:
    """When a check ran, for how long, and by what.

    Attributes:
        start_time: when it began; an aware `datetime`.
        end_time: when it ended.
        sdk_version: of the SDK that the plugin was made with.
        plugin_id: what the host calls the plugin.
        duration_ns: nanoseconds from its begin to its end.
    """

    start_time: datetime = ZERO_TIME
    end_time: datetime = ZERO_TIME
    sdk_version: str = ""
    plugin_id: str = ""
    duration_ns: int = 0

    @classmethod
    def between(cls, start: datetime, end: datetime, *, sdk_version: str = "", plugin_id: str = "") -> Self:
        """Return the metadata of a run from `start` to `end`; the duration is their difference."""
        return cls(start, end, sdk_version, plugin_id, nanoseconds_between(start, end))

    @property
    def duration(self) -> timedelta:
        """How long the run took, to the microsecond."""
        return timedelta(microseconds=self.duration_ns / 1000)


@frozen
class Result:
    """The answer of a check.

    `success` and `failure` report whether what was checked is as it should be; `error`, that the check
    could not be made. Hosts skip a profile's expectations when `error` is set, so an expected negative
    outcome carries data, never an error.

    Attributes:
        status: the outcome.
        message: what was found, for a person.
        data: what a profile's expressions read: JSON values by name.
        error: why the check could not be made; None unless the status is error.
        metadata: when the check ran and for how long.
        timestamp: when the Result was made, as the host sees it; year 1 where nobody set it.
    """

    status: ResultStatus = field(converter=_member)
    message: str = ""
    data: JSONObject | None = None
    error: ErrorDetail | None = None
    metadata: RunMetadata | None = None
    timestamp: datetime = field(default=ZERO_TIME)

    @property
    def is_success(self) -> bool:
        """Whether the status is success."""
        return self.status is ResultStatus.SUCCESS

    @property
    def is_failure(self) -> bool:
        """Whether the status is failure."""
        return self.status is ResultStatus.FAILURE

    @property
    def is_error(self) -> bool:
        """Whether the status is error."""
        return self.status is ResultStatus.ERROR

    def with_data(self, data: JSONObject | None) -> Self:
        """Return a copy that carries `data` instead of its own."""
        return evolve(self, data=data)

    def with_field(self, name: str, value: JSONValue) -> Self:
        """Return a copy whose data has `name` set to `value`."""
        return evolve(self, data={**(self.data or {}), name: value})

    def with_metadata(self, metadata: RunMetadata | None) -> Self:
        """Return a copy that carries `metadata`."""
        return evolve(self, metadata=metadata)


def result_success(message: str, data: JSONObject | None = None) -> Result:
    """Return the Result of what was checked and is as it should be."""
    return Result(ResultStatus.SUCCESS, message, data)


def result_failure(message: str, data: JSONObject | None = None) -> Result:
    """Return the Result of what was checked and is not as it should be."""
    return Result(ResultStatus.FAILURE, message, data)


def result_error(error: ErrorDetail) -> Result:
    """Return the Result of a check that could not be made, for this reason."""
    return Result(ResultStatus.ERROR, error.message, error=error)
