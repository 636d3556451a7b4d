"""Globs match as Go's doublestar does, and in bounded time."""

from __future__ import annotations

import random
import time
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reglet.domain.policy.globs import Glob, PatternError

# What doublestar 4.10.4 answers.
DOUBLESTAR = [
    ("*", "a", True),
    ("*", "a/b", False),
    ("*", ".hidden", True),
    ("**", "a/b/c", True),
    ("a**", "ab", True),
    ("a***", "a", False),
    ("a***", "ab", True),
    ("a**", "a/b", False),
    ("a/**", "a", True),
    ("a/**", "a/b/c", True),
    ("a/**", "ab", False),
    ("/**", "/etc/passwd", True),
    ("**/x", "x", True),
    ("**/x", "a/b/x", True),
    ("**/x", "ax", False),
    ("a/**/b", "a/b", True),
    ("a/**/b", "a/x/y/b", True),
    ("a/**/b", "ab", False),
    ("a/**/b/**/c", "a/b/x/y/c", True),
    ("**/*.py", "a/b.py", True),
    ("**/*.py", "b.pyc", False),
    ("a/**b", "a/x/b", False),
    ("a/**b", "a/xb", True),
    ("?", "a", True),
    ("?", "/", False),
    ("?", "☺", True),
    ("a?c", "ac", False),
    ("{a,b}", "b", True),
    ("{a,b}", "c", False),
    ("{a,b{c,d}}/x", "bd/x", True),
    ("{,a}b", "b", True),
    ("{a*,b}/**", "abc/x/y", True),
    ("{*.com,*.org}", "x.org", True),
    ("\\*", "*", True),
    ("\\*", "a", False),
    ("\\{a,b\\}", "{a,b}", True),
    ("a\\/b", "a/b", True),
    ("[a-c]x", "bx", True),
    ("[^a-c]x", "bx", False),
    ("[!a-c]x", "dx", True),
    ("[-a]", "-", True),
    ("[a-]", "-", True),
    ("[\\]]", "]", True),
    ("[a\\-c]", "b", False),
    ("[c-a]", "b", False),
    ("[{,}]", "{", True),
    ("*.example.com", "a.b.example.com", True),
    ("*.example.com", "example.com", False),
    ("api-*.example.com", "api-1.example.com", True),
    ("/usr/bin/*", "/usr/bin/ls", True),
    ("/usr/bin/*", "/usr/bin/sub/ls", False),
    ("/etc/{passwd,group}", "/etc/group", True),
    ("AWS_*", "AWS_REGION", True),
    ("a/b/", "a/b", False),
    ("/*", "/", True),
    ("/*/**", "/", False),
    ("/*/**", "/a", True),
    ("/a*/**", "/a", False),
    ("/a*/**", "/ab", True),
    ("/**/a*/**", "/a", False),
    ("/**/*", "/", False),
    ("/a/**/**", "/a", False),
    ("/a/**/", "/a", True),
    ("", "", True),
]

MALFORMED = ["{a", "a}", "[a", "[]", "[^]", "a\\", "{a,{b}", "[a\\]"]


@pytest.mark.parametrize(("pattern", "text", "expected"), DOUBLESTAR)
def test_patterns_match_as_doublestar_matches_them(pattern, text, expected):
    """Each answer is the one that the Go library gives."""
    assert Glob.parse(pattern).matches(text) is expected


@pytest.mark.parametrize("pattern", MALFORMED)
def test_a_malformed_pattern_is_refused_by_name(pattern):
    """The error names the pattern and what is wrong."""
    with pytest.raises(PatternError) as caught:
        Glob.parse(pattern)
    assert repr(pattern) in str(caught.value)


def test_a_class_never_matches_a_separator():
    """Stricter than doublestar: a negated class cannot leap into another directory."""
    assert not Glob.parse("/data[^x]secret").matches("/data/secret")


PIECES = st.sampled_from(["a", "b", "/", "*", "?", "[ab]", "[^a]"])
ALTERNATIVES = st.lists(st.lists(PIECES, max_size=3).map("".join), min_size=1, max_size=3)
PATTERNS = st.lists(st.one_of(PIECES.map(lambda piece: [piece]), ALTERNATIVES), max_size=5)
TEXTS = st.text("ab/", max_size=7)


def spelled(parts):
    """Write a pattern; parts with several choices in braces."""
    return "".join(part[0] if len(part) == 1 else "{" + ",".join(part) + "}" for part in parts)


def means(pattern, text):
    """Say in the plainest way what a pattern without braces and ** means."""
    if not pattern:
        return not text
    if pattern.startswith("*"):
        return means(pattern[1:], text) or (text[:1] not in ("", "/") and means(pattern, text[1:]))
    length, accepted = 1, pattern[0]
    if pattern[0] == "[":
        length = pattern.index("]") + 1
        accepted = "ab" if pattern[1] == "a" else "b"
    elif pattern[0] == "?":
        accepted = "ab"
    return text[:1] != "" and text[0] in accepted and means(pattern[length:], text[1:])


@given(PATTERNS, TEXTS)
def test_a_pattern_means_what_its_parts_mean(parts, text):
    """Against a plain recursive reading, braces multiplied out."""
    pattern = spelled(parts)
    choices = ["".join(choice) for choice in product(*parts)]
    if "**" in pattern or any("**" in choice for choice in choices):
        return
    expected = any(means(choice, text) for choice in choices)
    assert Glob.parse(pattern).matches(text) is expected


@pytest.mark.long
def test_two_hundred_thousand_patterns_mean_what_their_parts_mean():
    """Drawn at random, with every way to be malformed among them: a match, none, or an error of ours."""
    chance = random.Random(24)
    pieces = (
        "a",
        "b",
        "/",
        "*",
        "?",
        "[a]",
        "[!a]",
        "[^a]",
        "{a,b}",
        "{a,/b}",
        "[",
        "]",
        "{",
        "}",
        ",",
        "\\",
        "\\*",
        "**",
    )
    plain = set(pieces[:6])
    for _ in range(200_000):
        parts = chance.choices(pieces, k=chance.randint(0, 7))
        text = "".join(chance.choices("ab/*\0", (4, 4, 3, 1, 1), k=chance.randint(0, 7)))
        pattern = "".join(parts)
        try:
            found = Glob.parse(pattern).matches(text)
        except PatternError:
            assert not plain.issuperset(parts), pattern
            continue
        if plain.issuperset(parts) and "**" not in pattern and set(text) <= set("ab/"):
            assert found is means(pattern.replace("[a]", "a"), text), (pattern, text)


@given(st.lists(st.sampled_from(["a", "b"]), max_size=4), st.lists(st.sampled_from(["a", "b"]), max_size=4))
def test_a_doublestar_stands_for_any_directories(before, after):
    """`x/**/y` matches however many directories stand between, none included."""
    path = "/".join(["x", *before, *after, "y"])
    assert Glob.parse("x/**/y").matches(path)
    assert Glob.parse("/".join(["x", *before, "**"])).matches(path)
    assert not Glob.parse("x/**/z").matches(path)


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("*a" * 40 + "b", "a" * 2000),
        ("**/" * 40 + "b", "a/" * 1000),
        ("{a,aa}" * 9 + "c", "a" * 100),
        ("*" * 500, "a" * 1000 + "/"),
        ("{" + ",".join(f"*{'ab' * 9}{n}*c" for n in range(512)) + "}", "ab" * 2500 + "c"),
        (
            "{" + ",".join(f"*[!a-{chr(i)}]" for i in range(98, 600)) + "}",
            "".join(map(chr, range(97, 5000))) + "/",
        ),
    ],
)
def test_no_pattern_takes_exponential_time(pattern, text):
    """Patterns that make backtracking matchers run for ages are refused their time."""
    began = time.process_time()
    assert not Glob.parse(pattern).matches(text)
    assert time.process_time() - began < 15  # on a slow machine; exponential is hours


def test_braces_that_multiply_without_end_are_refused():
    """2^40 alternatives are not made."""
    with pytest.raises(PatternError, match="1024 alternatives"):
        Glob.parse("{a,b}" * 40)
