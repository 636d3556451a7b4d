"""Assertions on a Result, and when two JSON values count as equal."""

import pytest
from hypothesis import given

from reglet.domain.entities.result import ErrorDetail, result_error, result_failure, result_success
from reglet.testing.assertions import (
    assert_data_field,
    assert_error,
    assert_failure,
    assert_matches_schema,
    assert_success,
    deep_equal,
    identical,
    matches_fields,
    verify_output,
)
from reglet.testing.strategies import json_values

BOOM = result_error(ErrorDetail("network", "no route to host", "connect", stack=b"File plugin.py, line 3"))


def test_the_status_that_is_expected_passes():
    """Each of the three assertions accepts its own status."""
    assert_success(result_success("ok"))
    assert_failure(result_failure("not ok"))
    assert_error(BOOM, "no route", type="network", code="connect")


def test_a_wrong_status_shows_the_error_its_traceback_and_the_data():
    """The message holds what one would look for next."""
    with pytest.raises(AssertionError) as caught:
        assert_success(BOOM.with_data({"host": "a"}))
    assert str(caught.value) == (
        "expected success, got error: no route to host\n"
        "  error: network: no route to host [connect]\n"
        "    File plugin.py, line 3\n"
        '  data: {"host": "a"}'
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"text": "refused"}, 'expected error containing "refused", got "no route to host"'),
        ({"type": "timeout"}, "expected error type timeout, got network"),
        ({"code": "x"}, "expected error code x, got connect"),
    ],
)
def test_an_error_of_another_kind_says_which(arguments, message):
    """Text, type and code are compared one by one."""
    with pytest.raises(AssertionError) as caught:
        assert_error(BOOM, **arguments)
    assert message in str(caught.value)


def test_fields_are_found_by_path_and_numbers_by_value():
    """A path goes through objects and lists; `200` fits `200.0`."""
    result = result_success("ok", {"status_code": 200.0, "headers": {"Server": ["x"]}, "a.b": 1})
    assert_data_field(result, "status_code", 200)
    assert_data_field(result, "headers.Server.0", "x")
    assert_data_field(result, "a.b", 1)


@pytest.mark.parametrize(
    "path", ["nothing", "headers.None", "headers.Server.7", "headers.Server.x", "n.deeper"]
)
def test_a_field_that_is_not_there_is_named(path):
    """The message names the path."""
    result = result_success("ok", {"headers": {"Server": ["x"]}, "n": 1})
    with pytest.raises(AssertionError, match="missing data field") as caught:
        assert_data_field(result, path, 1)
    assert path in str(caught.value)


def test_a_field_of_another_value_shows_both():
    """Expected and actual stand in one line."""
    with pytest.raises(AssertionError) as caught:
        assert_data_field(result_success("ok", {"n": [1, 2]}), "n", [2, 1])
    assert str(caught.value) == 'field "n": expected [2, 1], got [1, 2]'


def test_every_place_that_does_not_fit_a_schema_is_listed():
    """All problems, not only the first."""
    schema = {"properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}
    assert_matches_schema(result_success("ok", {"a": "x", "b": 1}), schema)
    with pytest.raises(AssertionError) as caught:
        assert_matches_schema(result_success("ok", {"a": 1, "b": "x"}), schema)
    assert "$.a" in str(caught.value)
    assert "$.b" in str(caught.value)


@pytest.mark.parametrize(
    ("expected", "actual", "equal"),
    [
        (200, 200.0, True),
        (3, 4, False),
        (True, 1, False),
        (1, True, False),
        ("3", 3, False),
        (2**53 + 1, float(2**53), True),
        (2**53 + 1, 2**53, False),
        (None, None, True),
        (None, 0, False),
        ([1, 2], [1.0, 2], True),
        ([1, 2], [2, 1], False),
        ([1], [1, 2], False),
        ((1,), [1], True),
        ({}, {"a": 1}, True),
        ({"a": [{"x": 1}]}, {"a": [{"x": 1.0, "y": 2}]}, True),
        ({"a": None}, {}, False),
        ({"a": 1}, [("a", 1)], False),
    ],
)
def test_values_are_equal_by_number_and_on_named_fields(expected, actual, equal):
    """Numbers count by value, objects on the keys that are expected, lists item by item."""
    assert deep_equal(expected, actual) is equal


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, {"a": 1.0}, False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ([1, "x"], [1, "x"], True),
        (True, 1, False),
        ("x", "x", True),
    ],
)
def test_identical_values_have_the_same_keys_and_kinds(expected, actual, same):
    """Nothing may be left out, and an integer is no float."""
    assert identical(expected, actual) is same


def test_fields_of_something_that_is_no_object_never_match():
    """An object that names fields does not fit a list."""
    assert not matches_fields({"a": 1}, [1])


@given(json_values())
def test_every_value_is_equal_to_itself(value):
    """In both ways of comparing."""
    assert deep_equal(value, value)
    assert identical(value, value)


@given(json_values(), json_values())
def test_what_is_identical_is_equal(one, other):
    """The strict comparison never accepts more."""
    if identical(one, other):
        assert deep_equal(one, other)


@pytest.mark.parametrize(
    ("expected", "actual", "lines"),
    [
        ({"a": 1}, {"a": "1"}, ['a: expected 1 (integer), got "1" (string)']),
        ({"a": {"b": [{"c": 1}]}}, {"a": {"b": [{"c": 2, "d": 3}]}}, ["a.b.0.c: expected 1, got 2"]),
        ({"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 1}, {}]}, ['missing field "a.1.b" in output']),
        ({"a": [1, 2]}, {"a": [1]}, ["a: expected 2 items, got 1: [1]"]),
        ({"a": [1]}, {"a": [2, 3]}, ["a: expected 1 items, got 2: [2, 3]", "a.0: expected 1, got 2"]),
        ({"a": {"b": 1}}, {"a": None}, ['a: expected {"b": 1} (object), got null (null)']),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 2, "d": 3}, "e": 4}, []),
        ({"a": {}}, {"a": {"b": 1}}, []),
    ],
)
def test_what_differs_is_named_by_its_path_at_every_depth(expected, actual, lines):
    """One line a difference, kinds where they differ, nothing about what is not named."""
    assert verify_output(expected, actual) == lines


def test_long_strings_are_shown_where_they_part():
    """Two certificates differ in one character."""
    [line] = verify_output({"pem": "x" * 300 + "a"}, {"pem": "x" * 300 + "b"})
    assert line.splitlines()[1].startswith("  they part at character 300: ")


@given(json_values(), json_values())
def test_a_difference_is_named_wherever_values_are_not_equal(one, other):
    """Messages and verdict are of one mind."""
    assert bool(verify_output({"a": one}, {"a": other})) is not deep_equal(one, other)
