"""Timestamps of RFC 3339, and durations as Go writes them."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reglet.domain.time import (
    Timestamp,
    format_duration,
    format_nanoseconds,
    format_time,
    is_date_time,
    is_full_date,
    is_full_time,
    parse_duration,
    parse_time,
)

_ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"),
        (1, "1ns"),
        (1_500, "1.5µs"),
        (250_000_000, "250ms"),
        (1_500_000_000, "1.5s"),
        (60_000_000_000, "1m0s"),
        (5_400_000_000_000, "1h30m0s"),
        (-2_000_000, "-2ms"),
    ],
)
def test_nanoseconds_read_as_go_writes_them(nanoseconds: int, text: str):
    """The largest unit that fits, with the fraction that is left."""
    assert format_nanoseconds(nanoseconds) == text


def test_a_timedelta_reads_the_same():
    """Microseconds are enough for one."""
    assert format_duration(timedelta(seconds=1, milliseconds=500)) == "1.5s"


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
def test_a_timestamp_written_is_read_again(timestamp):
    """With its zone."""
    read = parse_time(format_time(timestamp))
    assert (read, read and read.utcoffset()) == (timestamp, timestamp.utcoffset())


def test_nanoseconds_are_kept():
    """They are more than a datetime holds."""
    text = "2026-01-02T03:04:05.123456789Z"
    timestamp = parse_time(text)
    assert timestamp is not None
    assert format_time(timestamp) == text


def test_a_timestamp_without_a_zone_is_taken_as_utc():
    """There is nothing else to take it for."""
    assert format_time(datetime(2026, 1, 2)) == format_time(datetime(2026, 1, 2, tzinfo=UTC))  # noqa: DTZ001


@pytest.mark.parametrize("text", ["", "2026-01-02", "2026-01-02T03:04:05", "2026-13-02T03:04:05Z", "x"])
def test_what_is_no_timestamp_is_refused(text):
    """A zone and a real date are needed."""
    with pytest.raises(ValueError, match=r"is not an RFC 3339 time|out of range|month"):
        parse_time(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-02-29", True),
        ("2023-02-29", False),
        ("0000-02-29", True),
        ("2100-02-29", False),
        ("20240229", False),
        ("2024-W09-4", False),
        ("2024-1-1", False),
        ("2024-00-01", False),
        ("\u0662024-01-01", False),
        ("2024-01-01\n", False),
    ],
)
def test_a_full_date_is_that_of_rfc_3339(text: str, expected: bool):
    """Other forms of ISO 8601 are none."""
    assert is_full_date(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12:00:00Z", True),
        ("12:00:00.123456789123+23:59", True),
        ("12:00:00z", True),
        ("12:00:00", False),
        ("12:00Z", False),
        ("12", False),
        ("24:00:00Z", False),
        ("12:00:00.Z", False),
        ("12:00:00+24:00", False),
        ("12:00:00+0100", False),
        ("23:59:60Z", True),
        ("22:59:60Z", False),
        ("15:59:60-08:00", True),
        ("00:29:60+00:30", True),
        ("00:29:60-00:30", False),
        ("12:00:00Z\n", False),
    ],
)
def test_a_full_time_is_that_of_rfc_3339(text: str, expected: bool):
    """It has seconds and an offset; a leap second is put in at the end of a day in UTC."""
    assert is_full_time(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31T12:00:00Z", True),
        ("2026-01-31t12:00:00.5z", True),
        ("2026-01-31 12:00:00Z", False),
        ("2026-02-30T12:00:00Z", False),
        ("2026-01-31T12:00:00", False),
        ("20260131T120000Z", False),
    ],
)
def test_a_date_time_is_that_of_rfc_3339(text: str, expected: bool):
    """A date, a `T` and a time."""
    assert is_date_time(text) is expected


def test_a_timestamp_is_copied_whole():
    """Pickled too: with its nanoseconds and its zone."""
    zone = timezone(timedelta(hours=2))
    timestamp = Timestamp(2026, 1, 31, 12, 0, 0, 123456, zone, nanosecond=789)
    for made in (copy.deepcopy(timestamp), pickle.loads(pickle.dumps(timestamp))):
        assert (type(made), made, made.tzinfo, made.nanosecond) == (Timestamp, timestamp, zone, 789)
