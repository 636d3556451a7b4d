"""Durations as Go writes them: `1h30m0s`, `1.5s`, `250ms`."""

from __future__ import annotations

from datetime import timedelta

_UNITS = (("ns", 1), ("µs", 1_000), ("ms", 1_000_000))
_SECOND = 1_000_000_000


def format_duration(duration: timedelta) -> str:
    """Return a duration in the text of Go's `time.Duration`."""
    return format_nanoseconds(duration // timedelta(microseconds=1) * 1000)


def format_nanoseconds(nanoseconds: int) -> str:
    """Return a number of nanoseconds in the text of Go's `time.Duration`."""
    if nanoseconds < 0:
        return "-" + format_nanoseconds(-nanoseconds)
    if nanoseconds == 0:
        return "0s"
    if nanoseconds < _SECOND:
        unit, size = next((unit, size) for unit, size in reversed(_UNITS) if nanoseconds >= size)
        return _decimal(nanoseconds, size) + unit
    minutes, rest = divmod(nanoseconds, 60 * _SECOND)
    hours, minutes = divmod(minutes, 60)
    seconds = _decimal(rest, _SECOND) + "s"
    if hours:
        return f"{hours}h{minutes}m{seconds}"
    return f"{minutes}m{seconds}" if minutes else seconds


def _decimal(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    digits = str(rest).rjust(len(str(unit)) - 1, "0").rstrip("0") if rest else ""
    return f"{whole}.{digits}" if digits else str(whole)
