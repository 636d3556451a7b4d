"""Result, RunMetadata and ErrorDetail: their exact bytes, and what they say of themselves."""

from __future__ import annotations

import json
import re
from typing import Any

from reglet.domain.entities.result import ErrorDetail, Result, ResultStatus, RunMetadata
from reglet.domain.errors import WireFormatError
from reglet.domain.time import ZERO_TIME
from reglet.infrastructure.wire.exports import METADATA, RESULT
from reglet.infrastructure.wire.messages import ERROR
from tests.vectors import go_values as go
from tests.vectors.rules import Rule
from tests.vectors.running import Vector, must_equal

Given = dict[str, Any]
_STATUSES = tuple(ResultStatus)


def run(vector: Vector) -> Rule | None:
    """Compare bytes, text or predicates."""
    given, expected = vector["input"], vector["expected"]
    match vector["kind"]:
        case "error_string":
            detail = go.detail(given)
            must_equal("" if detail is None else str(detail), expected)
            return None
        case "predicate":
            return _predicate(given, expected)
    if vector["kind"] == "marshal:Result" and given["status"] not in _STATUSES:
        return Rule.CLOSED_STATUS
    try:
        text = _ENCODERS[vector["kind"]](given).decode()
    except (ValueError, WireFormatError):
        must_equal('"0000-' in json.dumps(given), isinstance(expected, str))
        return Rule.YEARS if isinstance(expected, str) else None
    rule = Rule.TIMEDELTA if text != expected and _has_parts_of_microseconds(given) else None
    if rule is not None:
        text = _ENCODERS[vector["kind"]](given | {"data": go.exact(given["data"])}).decode()
    must_equal(text, expected)
    return rule


def _has_parts_of_microseconds(given: Any) -> bool:
    """Whether a duration in the data is one that `timedelta` cannot hold."""
    durations = re.findall(r'"\$duration_ns": (-?\d+)', json.dumps((given or {}).get("data")))
    return any(int(each) % go.MICROSECOND_NS for each in durations)


def _predicate(status: str, expected: Given) -> Rule | None:
    if status not in _STATUSES:
        return Rule.CLOSED_STATUS
    result = Result(ResultStatus(status))
    must_equal([result.is_success, result.is_failure, result.is_error], list(_ordered(expected)))
    return None


def _ordered(expected: Given) -> tuple[bool, ...]:
    return expected["is_success"], expected["is_failure"], expected["is_error"]


def _metadata(given: Given) -> RunMetadata:
    return RunMetadata(
        go.moment(given["start_time"]) or ZERO_TIME,
        go.moment(given["end_time"]) or ZERO_TIME,
        go.text(given["sdk_version"]),
        go.text(given["plugin_id"]),
        go.duration_ns(given["duration_ns"]),
    )


def _result(given: Given) -> Result:
    return Result(
        ResultStatus(given["status"]),
        go.text(given["message"]),
        go.value(given["data"]),
        go.detail(given["error"]),
        None if given["metadata"] is None else _metadata(given["metadata"]),
        go.moment(given["timestamp"]) or ZERO_TIME,
    )


_ENCODERS = {
    "marshal:Result": lambda given: RESULT.encode(_result(given)),
    "marshal:RunMetadata": lambda given: METADATA.encode(_metadata(given)),
    "marshal:ErrorDetail": lambda given: ERROR.encode(go.detail(given) or ErrorDetail()),
}
