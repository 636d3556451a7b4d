"""Names of operations and services."""

from __future__ import annotations

import pytest

from reglet.application.names import check_name, quoted, snake_case, suggestion
from reglet.errors import DefinitionError


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("check", "check"),
        ("URLCheck", "url_check"),
        ("GetHTTPResponse", "get_http_response"),
        ("Check2Go", "check2_go"),
        ("Check_URL", "check_url"),
        ("ÉcoleCheck", "école_check"),
        ("", ""),
    ],
)
def test_names_are_put_in_snake_case(name, snake):
    """As the Go SDK does it."""
    assert snake_case(name) == snake


@pytest.mark.parametrize("name", ["http", "file.managed", "s3-bucket", "école", "2fa"])
def test_a_name_may_hold_letters_digits_and_a_few_signs(name):
    """What stands well on a command line."""
    assert check_name("service", name) == name


@pytest.mark.parametrize("name", ["", " ", "a b", "-a", "_a", ".a", "a/b", "a\n", 5])
def test_other_names_are_refused(name):
    """With what may stand in one."""
    with pytest.raises(DefinitionError, match=r"service name .*: begin with"):
        check_name("service", name)


def test_a_close_name_is_suggested():
    """And none that is not close."""
    assert suggestion("Chekc", ["check", "list"]) == '; did you mean "check"?'
    assert suggestion("zzz", ["check"]) == ""
    assert suggestion("check", []) == ""


@pytest.mark.parametrize(
    ("wrong", "closest"),
    [("urll", "url"), ("hos", "host"), ("tmeout", "timeout"), ("expected_staus", "expected_status")],
)
def test_one_slip_of_the_hand_is_forgiven(wrong, closest):
    """A letter too many, too few, or in another's place."""
    names = ["url", "host", "timeout", "expected_status", "method"]
    assert suggestion(wrong, names) == f'; did you mean "{closest}"?'


@pytest.mark.parametrize(
    "wrong", ["", "x", "port", "body", "fifty_letters_that_have_nothing_to_do_with_any_name"]
)
def test_what_is_close_to_nothing_gets_no_suggestion(wrong):
    """A wrong suggestion costs more time than none."""
    assert suggestion(wrong, ["url", "host", "timeout"]) == ""


def test_names_are_quoted_for_a_message():
    """In their order."""
    assert (quoted(["a", "b"]), quoted([])) == ('"a", "b"', "none")
