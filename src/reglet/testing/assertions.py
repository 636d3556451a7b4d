"""When values count as equal in a test, what differs where they do not, and assertions on a Result.

The frames of assertions, and those of the kit around a test's own call, are hidden from pytest's tracebacks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from reglet.domain.entities import JSONValue
from reglet.domain.entities.result import Result, ResultStatus
from reglet.infrastructure.extras import add_with

_LONG = 80
"""Characters of strings whose difference is hard to see."""
_KINDS = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}
_MISSING = object()


def deep_equal(expected: JSONValue, actual: JSONValue) -> bool:
    """Whether `actual` has what `expected` names.

    Integers and floats are compared as 64-bit floats, so `200 == 200.0`; a boolean is no number. Of an
    object only the keys of `expected` count; lists have the same length and order.
    """
    if isinstance(expected, Mapping):
        return isinstance(actual, Mapping) and matches_fields(expected, actual)
    if _is_list(expected):
        return _is_list(actual) and len(expected) == len(actual) and all(map(deep_equal, expected, actual))
    if is_number(expected) and is_number(actual):
        are_integers = isinstance(expected, int) and isinstance(actual, int)
        return bool(expected == actual) if are_integers else float(expected) == float(actual)
    return _same_kind_and_value(expected, actual)


def matches_fields(expected: JSONValue, actual: JSONValue) -> bool:
    """Whether every field that `expected` names is there and equal; what is no object is compared whole."""
    if not isinstance(expected, Mapping):
        return deep_equal(expected, actual)
    return isinstance(actual, Mapping) and all(
        key in actual and deep_equal(value, actual[key]) for key, value in expected.items()
    )


def identical(expected: JSONValue, actual: JSONValue) -> bool:
    """Whether two values are the same JSON to the last key, `1` and `1.0` apart."""
    if isinstance(expected, Mapping):
        return (
            isinstance(actual, Mapping)
            and expected.keys() == actual.keys()
            and all(identical(value, actual[key]) for key, value in expected.items())
        )
    if _is_list(expected):
        return _is_list(actual) and len(expected) == len(actual) and all(map(identical, expected, actual))
    if is_number(expected) and is_number(actual):
        return isinstance(expected, float) == isinstance(actual, float) and expected == actual
    return _same_kind_and_value(expected, actual)


def is_number(value: Any) -> bool:
    """Whether a value is a JSON number; `True` is not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same_kind_and_value(expected: Any, actual: Any) -> bool:
    return isinstance(expected, bool) == isinstance(actual, bool) and bool(expected == actual)


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def error_text(result: Result) -> str:
    """Return the message of a Result's error, else its own."""
    return result.error.message if result.error is not None else result.message


def explain(result: Result) -> str:
    """Return the Result's error and data as further lines of a message."""
    lines = []
    if result.error is not None:
        lines.append(f"  error: {result.error}")
        lines += [f"    {line}" for line in result.error.stack.decode("utf-8", "replace").splitlines()]
    if result.data:
        lines.append(f"  data: {shown(dict(result.data))}")
    return "".join(f"\n{line}" for line in lines)


def shown(value: JSONValue, limit: int = 400) -> str:
    """Return a value as JSON, cut where it is long."""
    text = json.dumps(value, default=repr, ensure_ascii=False)
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


def verify_output(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> list[str]:
    """Return a line for every field of `expected`, at any depth, that is missing or different.

    Each line has the path (`findings.0.not_after: expected "a", got "b"`). Fields that `expected` does not
    name do not count.
    """
    return list(_differences(expected, actual, ""))


def _differences(expected: JSONValue, actual: JSONValue, path: str) -> Iterator[str]:
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        for name, value in expected.items():
            inner = f"{path}.{name}" if path else str(name)
            if name in actual:
                yield from _differences(value, actual[name], inner)
            else:
                yield f"missing field {json.dumps(inner, ensure_ascii=False)} in output"
    elif _is_list(expected) and _is_list(actual):
        if len(expected) != len(actual):
            yield f"{path}: expected {len(expected)} items, got {len(actual)}: {shown(actual)}"
        for index, (wanted, got) in enumerate(zip(expected, actual, strict=False)):
            yield from _differences(wanted, got, f"{path}.{index}")
    elif not deep_equal(expected, actual):
        kinds = [
            _KINDS.get(type(each), "object" if isinstance(each, Mapping) else "list")
            for each in (expected, actual)
        ]
        suffixes = [f" ({kind})" for kind in kinds] if kinds[0] != kinds[1] else ["", ""]
        line = f"{path}: expected {shown(expected)}{suffixes[0]}, got {shown(actual)}{suffixes[1]}"
        if isinstance(expected, str) and isinstance(actual, str) and max(len(expected), len(actual)) > _LONG:
            pairs = enumerate(zip(expected, actual, strict=False))
            shorter = min(len(expected), len(actual))
            at = next((index for index, (one, other) in pairs if one != other), shorter)
            around = [
                json.dumps(each[max(at - 20, 0) : at + 20], ensure_ascii=False) for each in (expected, actual)
            ]
            line += f"\n  they part at character {at}: …{around[0]}…, …{around[1]}…"
        yield line


def verify_error(expected: str, result: Result) -> list[str]:
    """Return a line unless the Result is an error, or a failure, with `expected` in its message."""
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
    given: object = result
    if not isinstance(given, Result):
        raise TypeError(f"{given!r} is no Result; give what a check returned")
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
        if not key.isdecimal() or int(key) >= len(data):
            return _MISSING
        return _at(data[int(key)], rest) if rest else data[int(key)]
    return _MISSING
