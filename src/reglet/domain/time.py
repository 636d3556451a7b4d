"""Time as Go writes it: timestamps with nanoseconds, RFC 3339, durations such as `1m30s`."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Self, SupportsIndex

ZERO_TIME = datetime(1, 1, 1, tzinfo=UTC)
"""The timestamp that the Go side writes when none was set."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Where clocks of WASI and of this process begin to count."""

_MICROSECOND = timedelta(microseconds=1)
_UNITS = (("ns", 1), ("µs", 1_000), ("ms", 1_000_000))
_SECOND = 1_000_000_000
_MINUTES_PER_HOUR = 60
_MINUTES_PER_DAY = 24 * 60
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT(?!24)\d\d:\d\d:\d\d(?:[.,](\d+))?(?:Z|[+-]\d\d:[0-5]\d)", re.ASCII)
_MICROSECOND_DIGITS, _NANOSECOND_DIGITS = 6, 9

_UNIT = "(ns|us|µs|μs|ms|s|m|h)"  # with either of the two letters that look alike, as Go has it

DURATION_PATTERN = rf"^[+-]?(0|(([0-9]{{1,9}}(\.[0-9]{{0,18}})?|\.[0-9]{{1,18}}){_UNIT}){{1,7}})$"
"""What a duration may look like; bounded, so that every match is a `timedelta`."""

_DURATION = re.compile(DURATION_PATTERN.removesuffix("$") + r"\Z")
_PART = re.compile("([0-9.]+)" + _UNIT)
_MICROSECONDS = {"ns": 0.001, "us": 1, "µs": 1, "μs": 1, "ms": 1e3, "s": 1e6, "m": 60e6, "h": 3600e6}

_FULL_DATE = r"(\d{4})-(\d\d)-(\d\d)"
_FULL_TIME = r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(?:\.(\d+))?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)"
_DATE = re.compile(_FULL_DATE + r"\Z", re.ASCII)
_TIME = re.compile(_FULL_TIME + r"\Z", re.ASCII | re.IGNORECASE)
_ERA = 400
"""Years after which the calendar repeats itself."""


class Timestamp(datetime):
    """A `datetime` that keeps up to 999 nanoseconds beyond its microseconds.

    Hosts written in Go send and expect nanoseconds (ABI section 2). Everywhere else it is an ordinary
    `datetime`; arithmetic gives back microseconds.
    """

    nanosecond: int

    def __new__(
        cls,
        year: int,
        month: int,
        day: int,
        hour: int = 0,
        minute: int = 0,
        second: int = 0,
        microsecond: int = 0,
        tz: tzinfo | None = UTC,
        *,
        nanosecond: int = 0,
    ) -> Self:
        """Make a timestamp; `nanosecond` (0 to 999) is what lies beyond `microsecond`."""
        if not 0 <= nanosecond <= 999:  # noqa: PLR2004 - the definition of the field
            raise ValueError(f"nanosecond must be in 0..999, not {nanosecond}")
        timestamp = super().__new__(cls, year, month, day, hour, minute, second, microsecond, tz)
        timestamp.nanosecond = nanosecond
        return timestamp

    @classmethod
    def of(cls, timestamp: datetime, nanosecond: int = 0) -> Timestamp:
        """Return `timestamp` with nanoseconds; a timestamp without a zone is taken as UTC."""
        zone = timestamp.tzinfo or UTC
        date = (timestamp.year, timestamp.month, timestamp.day)
        clock = (timestamp.hour, timestamp.minute, timestamp.second, timestamp.microsecond)
        return cls(*date, *clock, zone, nanosecond=nanosecond)

    def __reduce_ex__(self, _protocol: SupportsIndex) -> tuple[Any, ...]:
        """Let it be copied and sent to another process whole."""
        return Timestamp.of, (datetime.combine(self.date(), self.timetz()), self.nanosecond)


def nanoseconds_between(start: datetime, end: datetime) -> int:
    """Return the nanoseconds from `start` to `end`, negative when `end` comes first."""
    whole = (end - start) // _MICROSECOND * 1000
    return whole + getattr(end, "nanosecond", 0) - getattr(start, "nanosecond", 0)


def format_duration(duration: timedelta) -> str:
    """Return a duration as Go's `time.Duration` prints it."""
    return format_nanoseconds(duration // _MICROSECOND * 1000)


def in_milliseconds(duration: timedelta) -> timedelta:
    """Return a duration in the nearest whole number of milliseconds, if it is as long as one.

    What is left of a second when it is looked at is reported as a second.
    """
    millisecond = timedelta(milliseconds=1)
    return duration if duration < millisecond else round(duration / millisecond) * millisecond


def format_nanoseconds(nanoseconds: int) -> str:
    """Return a number of nanoseconds as Go's `time.Duration` prints it."""
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


def format_time(timestamp: datetime) -> str:
    """Return a timestamp as Go's RFC3339Nano; one without a zone is taken as UTC."""
    if timestamp is ZERO_TIME:  # a Result's own, until a host or an exported entry point sets it
        return "0001-01-01T00:00:00Z"
    if timestamp.tzinfo is UTC and timestamp.__class__ is datetime:
        written = timestamp.isoformat()[: -len("+00:00")]
        return f"{written.rstrip('0') if timestamp.microsecond else written}Z"
    written = (
        f"{timestamp.year:04}-{timestamp.month:02}-{timestamp.day:02}"
        f"T{timestamp.hour:02}:{timestamp.minute:02}:{timestamp.second:02}"
    )
    nanoseconds = timestamp.microsecond * 1000 + getattr(timestamp, "nanosecond", 0)
    if nanoseconds:
        written += "." + f"{nanoseconds:09}".rstrip("0")
    offset = timestamp.utcoffset() or timedelta()
    if not offset:
        return written + "Z"
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), _MINUTES_PER_HOUR)
    sign = "-" if (hours or minutes) and offset < timedelta() else "+"
    return f"{written}{sign}{hours:02}:{minutes:02}"


def parse_time(text: str) -> datetime:
    """Return the timestamp that a string of RFC 3339 names: a `Timestamp` if it has more than six decimals.

    Raises:
        ValueError: it names none.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not an RFC 3339 time such as 2026-01-02T03:04:05.5Z")
    fraction = match[1]
    if fraction is None or len(fraction) <= _MICROSECOND_DIGITS:
        return datetime.fromisoformat(text)
    timestamp = Timestamp.fromisoformat(text)
    timestamp.nanosecond = int(fraction[_MICROSECOND_DIGITS:_NANOSECOND_DIGITS].ljust(3, "0"))
    return timestamp


def is_full_date(text: str) -> bool:
    """Return whether a string is a `full-date` of RFC 3339: `2026-01-31`."""
    found = _DATE.match(text)
    if found is None:
        return False
    year, month, day = map(int, found.groups())
    try:
        date(year or _ERA, month, day)  # RFC 3339 has the year 0000, Python has not
    except ValueError:
        return False
    return True


def is_full_time(text: str) -> bool:
    """Return whether a string is a `full-time` of RFC 3339: `12:00:00.5+01:00`.

    A second 60 is one at 23:59 UTC alone, where leap seconds are put in.
    """
    found = _TIME.match(text)
    if found is None:
        return False
    hour, minute, second, _, zone = found.groups()
    if second != "60":
        return True
    offset = 0 if zone in "Zz" else int(f"{zone[0]}1") * (int(zone[1:3]) * 60 + int(zone[4:]))
    return (int(hour) * 60 + int(minute) - offset) % _MINUTES_PER_DAY == _MINUTES_PER_DAY - 1


def is_date_time(text: str) -> bool:
    """Return whether a string is a `date-time` of RFC 3339."""
    return text[10:11] in ("T", "t") and is_full_date(text[:10]) and is_full_time(text[11:])


def parse_duration(text: str) -> timedelta | None:
    """Return the duration that a string stands for as Go reads it, None if it is none."""
    if _DURATION.match(text) is None:
        return None
    parts = _PART.findall(text)
    microseconds = sum(float(number) * _MICROSECONDS[unit] for number, unit in parts)
    return timedelta(microseconds=-microseconds if text.startswith("-") else microseconds)
