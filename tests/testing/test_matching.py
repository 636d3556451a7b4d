"""When two JSON values count as equal."""

import pytest
from hypothesis import given

from reglet.testing.assertions import deep_equal, identical, matches_fields, verify_output
from reglet.testing.strategies import json_values


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
