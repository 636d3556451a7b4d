"""Patterns that Python, Go and ECMAScript read alike."""

from __future__ import annotations

import pytest

from reglet.application.models.strings import compile_pattern, spelled_out
from reglet.errors import DefinitionError


@pytest.mark.parametrize(
    ("pattern", "fits", "others"),
    [
        (r"^[a-z]+$", ["abc"], ["", "ABC", "abc\n"]),
        (r"^\d{1,3}(?:\.\d{1,3}){3}$", ["10.0.0.1"], ["10.0.0", "٣.0.0.1"]),
        (r"^[\w.-]+@(a|b)\.test$", ["x-1@a.test"], ["é@a.test", "x@c.test"]),
        (r"colou?r", ["the color", "colour"], ["colr"]),
        (r"^\D\W$", ["a-"], ["1-", "aa"]),
        (r"^[\]\\^-]$", ["]", "\\", "^", "-"], ["a"]),
        (r"^\x41\t\.$", ["A\t."], ["A ."]),
        ("", ["anything"], []),
    ],
)
def test_a_pattern_means_here_what_it_means_there(pattern, fits, others):
    """Classes are ASCII and `$` is the very end."""
    compiled = compile_pattern(pattern)
    assert [text for text in [*fits, *others] if compiled.search(text)] == fits


@pytest.mark.parametrize(
    "pattern",
    [
        "(?i)a",
        "(?=a)",
        "(?<=a)b",
        "(?P<n>a)",
        r"(a)\1",
        r"\s",
        r"\bword",
        r"\Aa\Z",
        r"\p{L}",
        r"\u0041",
        "a++",
        "a{1001}",
        "a{,3}",
        "[]",
        "[a",
        "[[:alpha:]]",
        "[a--b]",
        "[a&&b]",
        "a{",
        "}",
        r"\xff",
        "a" + "\\",
    ],
)
def test_a_pattern_that_is_read_differently_is_refused(pattern):
    """The message says where, and what to keep to."""
    with pytest.raises(DefinitionError, match="do not all read"):
        spelled_out(pattern)


@pytest.mark.parametrize("pattern", ["(a", "a)", "[z-a]", "*a"])
def test_a_pattern_that_is_none_is_refused(pattern):
    """With Python's own reason."""
    with pytest.raises(DefinitionError, match="pattern "):
        spelled_out(pattern)
