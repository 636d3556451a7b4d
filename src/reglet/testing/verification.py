"""Compare what a check answered with what was expected, and collect every difference."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from reglet.domain.entities.json_value import JSONValue
from reglet.domain.entities.result import Result
from reglet.testing.assertions import error_text, explain, shown
from reglet.testing.comparison import deep_equal


def verify_output(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> list[str]:
    """Return a line for every field of `expected` that is missing or different; others do not count."""
    problems = []
    for name, value in expected.items():
        if name not in actual:
            problems.append(f"missing field {json.dumps(name)} in output")
        elif not deep_equal(value, actual[name]):
            problems.append(f"field {json.dumps(name)}: {_difference(value, actual[name])}")
    return problems


def verify_error(expected: str, result: Result) -> list[str]:
    """Return a line unless the Result is an error, or a failure, that says `expected`."""
    if result.is_success:
        return [f"expected error containing {json.dumps(expected)}, got success{explain(result)}"]
    if expected not in error_text(result):
        got = json.dumps(error_text(result), ensure_ascii=False)
        return [f"expected error containing {json.dumps(expected, ensure_ascii=False)}, got {got}"]
    return []


def verify_success(result: Result) -> list[str]:
    """Return a line unless the Result is a success."""
    if result.is_success:
        return []
    return [f"expected success, got {result.status}: {result.message}{explain(result)}"]


def _difference(expected: JSONValue, actual: JSONValue) -> str:
    return f"expected {shown(expected)} ({_kind(expected)}), got {shown(actual)} ({_kind(actual)})"


def _kind(value: JSONValue) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "text", type(None): "null"}
    return names.get(type(value), "object" if isinstance(value, Mapping) else "list")
