"""Assertions on a Result that name what was there in place of what was expected.

Their frames, and those of the kit around a test's own call, are hidden from pytest's tracebacks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from reglet.domain.entities import JSONValue
from reglet.domain.entities.result import Result, ResultStatus
from reglet.infrastructure.extras import add_with
from reglet.testing.matching import deep_equal, error_text, explain, identical, is_number, shown

_MISSING = object()


def assert_success(result: Result) -> None:
    """Raise `AssertionError` unless the status is success."""
    __tracebackhide__ = True
    _assert_status(result, ResultStatus.SUCCESS)


def assert_failure(result: Result) -> None:
    """Raise `AssertionError` unless the status is failure."""
    __tracebackhide__ = True
    _assert_status(result, ResultStatus.FAILURE)


def assert_error(result: Result, text: str = "", *, type: str = "", code: str = "") -> None:  # noqa: A002
    """Raise `AssertionError` unless the status is error, with this text in it, this type and code."""
    __tracebackhide__ = True
    _assert_status(result, ResultStatus.ERROR)
    detail = result.error
    seen = {"type": detail.type if detail else "", "code": detail.code if detail else ""}
    for name, wanted in (("type", type), ("code", code)):
        if wanted and seen[name] != wanted:
            raise AssertionError(f"expected error {name} {wanted}, got {seen[name]}{explain(result)}")
    if text not in error_text(result):
        raise AssertionError(
            f"expected error containing {json.dumps(text)}, got {json.dumps(error_text(result))}"
        )


def assert_data_field(result: Result, path: str, expected: JSONValue) -> None:
    """Raise `AssertionError` unless the data has `expected` at `path` (`headers.Server.0`).

    A number fits any number of the same value, so `200` fits `200.0`; a boolean is no number; lists and
    objects are compared whole. A key that has dots in it is found as it stands.
    """
    __tracebackhide__ = True
    actual = _at(result.data or {}, path)
    if actual is _MISSING:
        raise AssertionError(f"missing data field {json.dumps(path)}{explain(result)}")
    numbers = is_number(expected) and is_number(actual)
    if not (deep_equal(expected, actual) if numbers else identical(expected, actual)):
        raise AssertionError(f"field {json.dumps(path)}: expected {shown(expected)}, got {shown(actual)}")


def assert_matches_schema(result: Result, schema: Mapping[str, Any]) -> None:
    """Raise `AssertionError` that lists every path at which the data does not fit a JSON Schema.

    Raises `ImportError` with the line to install where jsonschema is not there.
    """
    __tracebackhide__ = True
    try:
        from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # it ships no types
    except ImportError as missing:
        raise ImportError(f"assert_matches_schema needs jsonschema; {add_with('test')}") from missing
    data = json.loads(json.dumps(dict(result.data or {})))
    differences = [
        f"  {error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(data)
    ]
    if differences:
        raise AssertionError("\n".join(["data does not fit the schema:", *differences]))


def _assert_status(result: Result, wanted: ResultStatus) -> None:
    __tracebackhide__ = True
    if result.status is not wanted:
        raise AssertionError(f"expected {wanted}, got {result.status}: {result.message}{explain(result)}")


def _at(data: Any, path: str) -> Any:
    if isinstance(data, Mapping):
        if path in data:
            return data[path]
        key, dot, rest = path.partition(".")
        return _at(data[key], rest) if dot and key in data else _MISSING
    if isinstance(data, list | tuple):
        key, _, rest = path.partition(".")
        if not key.isdigit() or int(key) >= len(data):
            return _MISSING
        return _at(data[int(key)], rest) if rest else data[int(key)]
    return _MISSING
