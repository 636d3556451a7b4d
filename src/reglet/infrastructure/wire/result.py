"""Result and RunMetadata on the wire (ABI section 2), and the older app's form of a Result."""

from __future__ import annotations

from reglet.domain.entities.result import Result, ResultStatus, RunMetadata
from reglet.infrastructure.wire.failures import ERROR
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
