"""Result, RunMetadata and ErrorDetail: their exact bytes, and what they say of themselves."""

from __future__ import annotations

import json
from typing import Any

from reglet.domain.entities.result import ErrorDetail, Result, ResultStatus, RunMetadata
from reglet.domain.errors import WireFormatError
from reglet.domain.time import ZERO_TIME
from reglet.infrastructure.wire.exports import METADATA, RESULT
from reglet.infrastructure.wire.messages import ERROR
from tests.vectors import go_errors, go_json
from tests.vectors import go_values as go
from tests.vectors.rules import Rule
from tests.vectors.running import Vector, must_equal

Given = dict[str, Any]
_STATUSES = tuple(ResultStatus)


def run(vector: Vector) -> Rule | None:
    """Compare bytes, text or predicates; by a rule, Go's are known."""
    kind, given, expected = vector["kind"], vector["input"], vector["expected"]
    if kind == "predicate":
        return _predicate(given, expected)
    if kind == "error_string":
        must_equal(expected, go.as_written(go_errors.detail_text(given)))
        detail = go.detail(given)
        must_equal("" if detail is None else go.as_written(str(detail)), expected)
        return None
    wanted = _go_text(kind.removeprefix("marshal:"), given)
    must_equal(expected if isinstance(expected, str) else None, wanted)
    if wanted is None:
        must_equal(str(expected["error"]).startswith("json: "), True)
    if kind == "marshal:Result" and given["status"] not in _STATUSES:
        return Rule.CLOSED_STATUS
    try:
        return go.settled(lambda each: _ENCODERS[kind](each).decode(), given, wanted or "")
    except (ValueError, WireFormatError):
        must_equal('"0000-' in json.dumps(given), wanted is not None)
        return None if wanted is None else Rule.YEARS


def _go_text(kind: str, given: Given) -> str | None:
    """Return what Go writes, None where it cannot."""
    try:
        return "null" if given is None else go_json.written(kind, given)
    except (ValueError, WireFormatError):
        pass
    if '"0000-' not in json.dumps(given):
        return None
    later = json.loads(json.dumps(given).replace('"0000-', '"0400-'))  # a year that Python has
    return None if (text := _go_text(kind, later)) is None else text.replace('"0400-', '"0000-')


def _predicate(status: str, expected: Given) -> Rule | None:
    must_equal(expected, {f"is_{each}": status == each for each in _STATUSES})
    if status not in _STATUSES:
        return Rule.CLOSED_STATUS
    result = Result(ResultStatus(status))
    ours = {"is_success": result.is_success, "is_failure": result.is_failure, "is_error": result.is_error}
    must_equal(ours, expected)
    return None


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
