"""Formats of texts."""

from __future__ import annotations

import pytest

from reglet.application.models.formats import FORMATS, format_check


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


def test_every_format_is_tested_above():
    """A new one needs a row."""
    assert len(FORMATS) == 9
