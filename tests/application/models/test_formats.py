"""Formats of texts."""

from __future__ import annotations

import pytest

from reglet.application.models.strings import FORMATS, format_check


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


def test_a_long_uri_is_checked_in_time():
    """However it ends."""
    assert not format_check("uri")("http://" + "a:" * 50_000 + " ")


def test_every_format_is_tested_above():
    """A new one needs a row."""
    assert len(FORMATS) == 9
