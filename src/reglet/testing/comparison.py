"""When two JSON values count as equal in a test: numbers by value, objects on the fields that are named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reglet.domain.entities.json_value import JSONValue


def deep_equal(expected: JSONValue, actual: JSONValue) -> bool:
    """Whether `actual` has what `expected` names.

    Integers and floats are compared as 64-bit floats, so `200 == 200.0`; a boolean is no number. Of an
    object only the keys of `expected` count; lists have the same length and order.
    """
    if isinstance(expected, Mapping):
        return isinstance(actual, Mapping) and matches_fields(expected, actual)
    if _is_list(expected):
        return _is_list(actual) and _items_equal(expected, actual)
    return _scalars_equal(expected, actual)


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


def _scalars_equal(expected: Any, actual: Any) -> bool:
    if is_number(expected) and is_number(actual):
        return _numbers_equal(expected, actual)
    return _same_kind_and_value(expected, actual)


def _same_kind_and_value(expected: Any, actual: Any) -> bool:
    return isinstance(expected, bool) == isinstance(actual, bool) and bool(expected == actual)


def _numbers_equal(expected: float, actual: float) -> bool:
    if isinstance(expected, int) and isinstance(actual, int):
        return expected == actual
    return float(expected) == float(actual)


def _items_equal(expected: Sequence[Any], actual: Sequence[Any]) -> bool:
    return len(expected) == len(actual) and all(map(deep_equal, expected, actual))


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)
