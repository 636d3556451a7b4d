"""Patterns that Python, Go and ECMAScript read alike, and formats."""

from __future__ import annotations

import pytest

from reglet.application.models.strings import FORMATS, compile_pattern, format_check, spelled_out
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


@pytest.mark.parametrize(
    ("name", "fitting", "wrong"),
    [
        ("date", "2026-01-31", "2026-02-30"),
        ("date-time", "2026-01-31T12:00:00.5+01:00", "2026-01-31T12:00:00"),
        ("email", "a@b.test", "a.b.test"),
        ("hostname", "a-1.example.com", "-a.example.com"),
        ("ipv4", "192.0.2.1", "192.0.2.01"),
        ("ipv6", "2001:db8::1", "2001:db8::1%eth0"),
        ("time", "12:00:00Z", "25:00:00Z"),
        ("uri", "https://a.test/x?y#z", "a.test/x"),
        ("uuid", "123e4567-e89b-12d3-a456-426614174000", "123e4567"),
    ],
)
def test_a_format_tells_what_fits(name, fitting, wrong):
    """One of each."""
    check = format_check(name)
    assert (check(fitting), check(wrong), check(fitting + "\n")) == (True, False, False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://user:pw@a.test:8443/x;y=1/../z?q=a/b?c#f?g", True),
        ("http://[2001:db8::1]:80/", True),
        ("http://[v1.x:y]/", True),
        ("mailto:someone@a.test", True),
        ("urn:isbn:0451450523", True),
        ("file:///etc/passwd", True),
        ("http://a.test/%C3%A9", True),
        ("http://[::1", False),
        ("http://[::1]x/", False),
        ("http://[1.2.3.4]/", False),
        ("http://[fe80::1%25eth0]/", False),
        ("http://a.test:port/", False),
        ("http://a b/", False),
        ("http://a.test/%zz", False),
        ("http://a.test/[x]", False),
        ("http://a.test/#a#b", False),
        ("http://é.test/", False),
        ("//a.test/x", False),
        ("1http://a.test", False),
        ("", False),
    ],
)
def test_a_uri_is_that_of_rfc_3986(text, expected):
    """Brackets hold an address, a port is a number, and what has no place is escaped."""
    assert format_check("uri")(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("joe.bloggs+tag@mail.example.com", True),
        ('"joe bloggs"@example.com', True),
        ('"joe@\\"bloggs"@example.com', True),
        ("joe@[192.0.2.1]", True),
        ("joe@[IPv6:2001:db8::1]", True),
        ("joe@localhost", True),
        ("x" * 64 + "@example.com", True),
        ("x" * 65 + "@example.com", False),
        ("joe@" + ".".join(["x" * 63] * 4), False),
        (".joe@example.com", False),
        ("joe.@example.com", False),
        ("joe..bloggs@example.com", False),
        ("joe bloggs@example.com", False),
        ("joe@-example.com", False),
        ("joe@example..com", False),
        ("joe@example_a.com", False),
        ("joe@[192.0.2.300]", False),
        ("joe@[2001:db8::1]", False),
        ("joe@a@example.com", False),
        ("jö@example.com", False),
    ],
)
def test_an_email_is_that_of_rfc_5321(text, expected):
    """A mailbox: a dot stands between two others, and what is behind the @ can be a host."""
    assert format_check("email")(text) is expected


def test_a_hostname_is_that_of_rfc_1123():
    """Letters, digits and hyphens; a name in the DNS may have more, a host has not."""
    check = format_check("hostname")
    assert all(map(check, ["localhost", "1a.example", "xn--bcher-kva.example", "a.example."]))
    assert not any(
        map(check, ["my_host", "_dmarc.example.com", "a..b", "a-.b", "*.b", "a:80", "x" * 64, "."])
    )


def test_a_long_uri_is_checked_in_time():
    """However it ends."""
    assert not format_check("uri")("http://" + "a:" * 50_000 + " ")


def test_every_format_is_tested_above():
    """A new one needs a row."""
    assert len(FORMATS) == 9
