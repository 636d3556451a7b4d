"""Single values as Go's encoding/json writes them; durations and times as text."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from reglet.domain.errors import WireFormatError
from reglet.domain.time import Timestamp, format_nanoseconds, format_time
from reglet.infrastructure.wire.go_json import encode_json
from tests.vectors import go_values as go
from tests.vectors.rules import Rule
from tests.vectors.running import Vector, must_equal

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_READ = {
    "float64": float,
    "float32": float,
    "int64": int,
    "uint64": int,
    "string": lambda given: given,
    "map": lambda given: given,
    "string_bytes": lambda given: base64.b64decode(given["$bytes_b64"]).decode(errors="surrogateescape"),
}


def run(vector: Vector) -> Rule | None:
    """Compare the text, or that there is an error where Go has one."""
    kind, given, expected = vector["kind"], vector["input"], vector["expected"]
    if kind == "duration_string":
        must_equal(format_nanoseconds(given), expected)
    elif kind == "time":
        return _time(given, expected)
    elif isinstance(expected, dict):
        must_equal(_encoded(_READ.get(kind, go.exact)(given)), None)
    else:
        must_equal(_encoded(_READ.get(kind, go.exact)(given)), expected)
    return None


def _encoded(value: Any) -> str | None:
    try:
        return encode_json(value).decode()
    except WireFormatError:
        return None


def _time(given: dict[str, int], expected: dict[str, Any]) -> Rule | None:
    try:
        moment = _moment(given)
    except (OverflowError, ValueError):
        if not isinstance(expected["json"], dict):
            return Rule.YEARS
        return None
    must_equal(encode_json(moment).decode(), expected["json"])
    must_equal(format_time(moment), expected["rfc3339nano"])
    must_equal(format_time(moment.replace(microsecond=0)), expected["rfc3339"])
    return None


def _moment(given: dict[str, int]) -> Timestamp:
    zone = timezone(timedelta(seconds=given["offset_s"])) if given["offset_s"] else UTC
    whole = (_EPOCH + timedelta(seconds=given["unix_s"])).astimezone(zone)
    microsecond, nanosecond = divmod(given["ns"], 1000)
    return Timestamp.of(whole.replace(microsecond=microsecond), nanosecond)
