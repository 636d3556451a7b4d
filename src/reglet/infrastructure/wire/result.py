"""Result and RunMetadata on the wire (ABI section 2), and the older app's form of a Result."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from reglet.domain.entities.result import Result, ResultStatus, RunMetadata
from reglet.domain.time import EPOCH, format_time
from reglet.infrastructure.wire.failures import ERROR
from reglet.infrastructure.wire.go_json import sorted_text, string_text, to_bytes
from reglet.infrastructure.wire.record import (
    BOOLEAN,
    INTEGER,
    OBJECT,
    STRING,
    TIME,
    Field,
    Record,
    nullable,
    one_of,
)

METADATA = Record(
    "RunMetadata",
    RunMetadata,
    Field("start_time", TIME, always=True),
    Field("end_time", TIME, always=True),
    Field("sdk_version", STRING),
    Field("plugin_id", STRING),
    Field("duration_ns", INTEGER, always=True),
)
RESULT = Record(
    "Result",
    Result,
    Field("timestamp", TIME, always=True),
    Field("data", OBJECT),
    Field("metadata", METADATA.kind),
    Field("error", ERROR.kind),
    Field("status", one_of({str(status): status for status in ResultStatus}), always=True, required=True),
    Field("message", STRING),
)
"""Its data, and its error's details, must be JSON: NaN is a `WireFormatError`."""

LEGACY_RESULT = Record(
    "Result",
    Result,
    Field("Status", BOOLEAN, "is_success", always=True),
    Field("Error", nullable(ERROR.kind), "error", always=True),
    Field("Timestamp", TIME, "timestamp", always=True),
    Field("Data", nullable(OBJECT), "data", always=True),
    Field("Raw", nullable(OBJECT), always=True, derive=lambda _: None),
)
"""The older app's form, with a boolean for its status. Only written."""


_SECOND = 1_000_000


def _clock_writer() -> Callable[[int], str]:
    """Return what writes microseconds since 1970 as a timestamp; it knows the second of the last one.

    A `datetime` writes itself by the C library's `printf`, which costs a guest as much as a Result's JSON.
    """
    begun = 0, f'"{format_time(EPOCH)[:-1]}'

    def write(time: int) -> str:
        nonlocal begun
        second, text = begun
        rest = time - second
        if not 0 <= rest < _SECOND:
            rest = time % _SECOND
            second = time - rest
            text = f'"{format_time(EPOCH + timedelta(microseconds=second))[:-1]}'
            begun = second, text
        return f'{text}.{str(_SECOND + rest)[1:].rstrip("0")}Z"' if rest else f'{text}Z"'

    return write


_clock_text = _clock_writer()


def run_text(sdk_version: str, plugin_id: str) -> str:
    """Return as JSON the fields of a RunMetadata that are the same for every check, for `encode_check`."""
    return "".join(
        f',"{name}":{string_text(value)}'
        for name, value in (("sdk_version", sdk_version), ("plugin_id", plugin_id))
        if value
    )


def encode_check(result: Result, start: int, end: int, run: str) -> bytes:
    """Return the JSON of a Result that has neither metadata nor timestamp, with those of its check.

    It is what `RESULT` writes, in one expression, without an object for what is but written: every check of
    a plugin ends here.

    Args:
        result: what the plugin answered.
        start: when the check began, in microseconds since 1970.
        end: when it ended.
        run: what `run_text` returns.

    Raises:
        WireFormatError: something in the Result has no form in JSON.
    """
    ended = _clock_text(end)
    data = f'"data":{sorted_text(result.data)},' if result.data else ""
    error = "" if result.error is None else f'"error":{ERROR.text(result.error)},'
    message = f',"message":{string_text(result.message)}' if result.message else ""
    return to_bytes(
        f'{{"timestamp":{ended},{data}"metadata":{{"start_time":{_clock_text(start)},"end_time":{ended}{run},'
        f'"duration_ns":{(end - start) * 1000}}},{error}"status":{string_text(result.status)}{message}}}'
    )
