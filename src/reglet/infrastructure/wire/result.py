"""Result and RunMetadata on the wire (ABI section 2), and the older app's form of a Result."""

from __future__ import annotations

from datetime import datetime

from reglet.domain.entities.result import Result, ResultStatus, RunMetadata
from reglet.domain.errors import WireFormatError
from reglet.domain.time import ZERO_TIME, format_time
from reglet.infrastructure.wire.errors import detail_text, optional_detail_text, read_optional_detail
from reglet.infrastructure.wire.fields import Fields, read_record, shown
from reglet.infrastructure.wire.go_json import (
    flag_text,
    object_text,
    sorted_text,
    string_text,
    to_bytes,
)


def encode_result(result: Result) -> bytes:
    """Return a Result as JSON.

    Raises:
        WireFormatError: its data or its error's details hold something that is not JSON, such as NaN.
    """
    time = format_time(result.timestamp)
    data = f'"data":{sorted_text(result.data)},' if result.data else ""
    known = (result.timestamp, time)
    metadata = f'"metadata":{metadata_text(result.metadata, known)},' if result.metadata else ""
    error = f'"error":{detail_text(result.error)},' if result.error else ""
    message = f',"message":{string_text(result.message)}' if result.message else ""
    return to_bytes(
        f'{{"timestamp":"{time}",{data}{metadata}{error}"status":{string_text(result.status)}{message}}}'
    )


def metadata_text(metadata: RunMetadata, known: tuple[datetime, str] | None = None) -> str:
    """Return RunMetadata as JSON text.

    `known` is a moment with its text: a run's end is mostly its Result's time, and need not be written twice.
    """
    end_time = known[1] if known and metadata.end_time is known[0] else format_time(metadata.end_time)
    version = f'"sdk_version":{string_text(metadata.sdk_version)},' if metadata.sdk_version else ""
    plugin = f'"plugin_id":{string_text(metadata.plugin_id)},' if metadata.plugin_id else ""
    return (
        f'{{"start_time":"{format_time(metadata.start_time)}","end_time":"{end_time}",'
        f'{version}{plugin}"duration_ns":{metadata.duration_ns}}}'
    )


def decode_result(data: bytes) -> Result:
    """Return the Result in JSON.

    Raises:
        WireFormatError: the bytes are not a Result.
    """
    fields = read_record(data, "Result")
    metadata = fields.inner("metadata")
    return Result(
        status=_status(fields),
        message=fields.text("message"),
        data=fields.object("data"),
        error=read_optional_detail(fields),
        metadata=None if metadata is None else metadata_of(metadata),
        timestamp=fields.time("timestamp") or ZERO_TIME,
    )


def _status(fields: Fields) -> ResultStatus:
    value = fields.get("status")
    try:
        return ResultStatus(value)
    except ValueError as error:
        known = ", ".join(ResultStatus)
        cause = f"field 'status' should be one of {known}, not {shown(value)}"
        raise WireFormatError("decode", "Result", cause) from error


def metadata_of(fields: Fields) -> RunMetadata:
    """Return the RunMetadata that these fields are."""
    return RunMetadata(
        start_time=fields.time("start_time") or ZERO_TIME,
        end_time=fields.time("end_time") or ZERO_TIME,
        sdk_version=fields.text("sdk_version"),
        plugin_id=fields.text("plugin_id"),
        duration_ns=fields.integer("duration_ns"),
    )


def encode_legacy_result(result: Result) -> bytes:
    """Return a Result in the older app's form: a truth value for its status."""
    text = object_text(
        Status=flag_text(result.is_success),
        Error=optional_detail_text(result.error) or "null",
        Timestamp=f'"{format_time(result.timestamp)}"',
        Data=sorted_text(result.data) if result.data is not None else "null",
        Raw="null",
    )
    return to_bytes(text)
