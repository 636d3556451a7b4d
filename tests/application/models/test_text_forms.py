"""Moments and durations as text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reglet.domain.time import format_duration, format_time, parse_duration, parse_time

_ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.timedeltas(timedelta(hours=-999_999_999), timedelta(hours=999_999_999)))
def test_a_duration_written_is_read_again(duration):
    """To the microsecond, up to what a float of microseconds holds."""
    read = parse_duration(format_duration(duration))
    assert read is not None
    assert abs(read - duration) <= timedelta(microseconds=abs(duration.total_seconds()) // 1e9 + 1)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("0", timedelta()),
        ("0s", timedelta()),
        ("1h2m3.5s", timedelta(hours=1, minutes=2, seconds=3.5)),
        ("-1.5m", timedelta(seconds=-90)),
        ("+10us", timedelta(microseconds=10)),
        ("1500ms", timedelta(seconds=1.5)),
        ("", None),
        ("5", None),
        ("s", None),
        ("1s ", None),
        ("1s\n", None),
        ("9999999999s", None),
    ],
)
def test_durations_are_read_as_go_reads_them(text, duration):
    """A number needs its unit."""
    assert parse_duration(text) == duration


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=_ZONES))  # noqa: DTZ001
def test_a_moment_written_is_read_again(moment):
    """With its zone."""
    read = parse_time(format_time(moment))
    assert (read, read and read.utcoffset()) == (moment, moment.utcoffset())


def test_nanoseconds_are_kept():
    """They are more than a datetime holds."""
    text = "2026-01-02T03:04:05.123456789Z"
    moment = parse_time(text)
    assert moment is not None
    assert format_time(moment) == text


def test_a_moment_without_a_zone_is_taken_as_utc():
    """There is nothing else to take it for."""
    assert format_time(datetime(2026, 1, 2)) == format_time(datetime(2026, 1, 2, tzinfo=UTC))  # noqa: DTZ001


@pytest.mark.parametrize("text", ["", "2026-01-02", "2026-01-02T03:04:05", "2026-13-02T03:04:05Z", "x"])
def test_what_is_no_moment_is_none(text):
    """A zone and a real date are needed."""
    assert parse_time(text) is None
