"""Assertions on a Result."""

import pytest

from reglet.domain.entities.result import ErrorDetail, result_error, result_failure, result_success
from reglet.testing.assertions import (
    assert_data_field,
    assert_error,
    assert_failure,
    assert_matches_schema,
    assert_success,
)

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
