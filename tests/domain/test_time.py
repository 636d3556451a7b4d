"""Durations in Go's text."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reglet.domain.time import format_duration, format_nanoseconds


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
