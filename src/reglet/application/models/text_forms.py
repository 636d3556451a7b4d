"""Moments and durations as text: RFC 3339, and durations as Go writes them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from reglet.domain.time import Timestamp, format_duration, format_time

DURATION_PATTERN = r"^[+-]?(0|([0-9]{1,9}(\.[0-9]{1,9})?(ns|us|µs|ms|s|m|h)){1,7})$"
"""What a duration may look like; bounded, so that every match is a `timedelta`."""

_DURATION = re.compile(DURATION_PATTERN.removesuffix("$") + r"\Z")
_PART = re.compile(r"([0-9.]+)(ns|us|µs|ms|s|m|h)")
_MICROSECONDS = {"ns": 0.001, "us": 1, "µs": 1, "ms": 1e3, "s": 1e6, "m": 60e6, "h": 3600e6}
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)\Z", re.ASCII
)


def parse_duration(text: str) -> timedelta | None:
    """Return the duration that a text says, None if it says none."""
    if _DURATION.match(text) is None:
        return None
    parts = _PART.findall(text)
    microseconds = sum(float(number) * _MICROSECONDS[unit] for number, unit in parts)
    return timedelta(microseconds=-microseconds if text.startswith("-") else microseconds)


write_duration: Callable[[timedelta], str] = format_duration
"""Returns a duration as Go writes it."""


def parse_moment(text: str) -> datetime | None:
    """Return the moment that an RFC 3339 text says, with its nanoseconds; None if it says none."""
    found = _MOMENT.match(text)
    if found is None:
        return None
    day, clock, fraction, zone = found.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{zone.upper()}")
    except ValueError:
        return None
    if not fraction:
        return moment
    nanoseconds = int(fraction.ljust(9, "0"))
    moment = moment.replace(microsecond=nanoseconds // 1000)
    return Timestamp.of(moment, nanoseconds % 1000) if nanoseconds % 1000 else moment


write_moment: Callable[[datetime], str] = format_time
"""Returns a moment as RFC 3339, without trailing zeros; a moment without a zone is taken as UTC."""
