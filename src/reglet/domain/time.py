"""Time as Go writes it: timestamps with nanoseconds, RFC 3339, durations such as `1m30s`."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Self


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
        """Make a moment; `nanosecond` (0 to 999) is what lies beyond `microsecond`."""
        if not 0 <= nanosecond <= 999:  # noqa: PLR2004 - the definition of the field
            raise ValueError(f"nanosecond must be in 0..999, not {nanosecond}")
        moment = super().__new__(cls, year, month, day, hour, minute, second, microsecond, tz)
        moment.nanosecond = nanosecond
        return moment

    @classmethod
    def of(cls, moment: datetime, nanosecond: int = 0) -> Timestamp:
        """Return `moment` with nanoseconds; a moment without a zone is taken as UTC."""
        zone = moment.tzinfo or UTC
        date = (moment.year, moment.month, moment.day)
        clock = (moment.hour, moment.minute, moment.second, moment.microsecond)
        return cls(*date, *clock, zone, nanosecond=nanosecond)


ZERO_TIME = datetime(1, 1, 1, tzinfo=UTC)
"""The time that the Go side writes when none was set."""


_MICROSECOND = timedelta(microseconds=1)


def nanoseconds_between(start: datetime, end: datetime) -> int:
    """Return the nanoseconds from `start` to `end`, negative when `end` comes first."""
    whole = (end - start) // _MICROSECOND * 1000
    return whole + getattr(end, "nanosecond", 0) - getattr(start, "nanosecond", 0)


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


_MINUTES_PER_HOUR = 60


def format_time(moment: datetime) -> str:
    """Return a moment as Go's RFC3339Nano; one without a zone is taken as UTC."""
    if moment.tzinfo is UTC and moment.__class__ is datetime:
        return _utc_seconds(moment.replace(microsecond=0)) + _utc_fraction(moment.microsecond)
    text = (
        f"{moment.year:04}-{moment.month:02}-{moment.day:02}"
        f"T{moment.hour:02}:{moment.minute:02}:{moment.second:02}"
    )
    nanosecond = getattr(moment, "nanosecond", 0)
    if moment.microsecond or nanosecond:
        text += "." + f"{moment.microsecond * 1000 + nanosecond:09}".rstrip("0")
    return text + _zone(moment)


@lru_cache(maxsize=2)
def _utc_seconds(moment: datetime) -> str:
    """Return a moment without its zone; a check's times lie mostly in one second."""
    return moment.isoformat()[: -len("+00:00")]


def _utc_fraction(microsecond: int) -> str:
    """Return what follows the seconds; all six digits stand in a number that begins with 1."""
    return f".{str(1_000_000 + microsecond)[1:].rstrip('0')}Z" if microsecond else "Z"


def _zone(moment: datetime) -> str:
    if moment.tzinfo is UTC:
        return "Z"
    offset = moment.utcoffset() or timedelta()
    minutes = abs(offset) // timedelta(minutes=1)
    if not offset:
        return "Z"
    sign = "-" if minutes and offset < timedelta() else "+"
    return f"{sign}{minutes // _MINUTES_PER_HOUR:02}:{minutes % _MINUTES_PER_HOUR:02}"


_FULL_DATE = r"(\d{4})-(\d\d)-(\d\d)"
_FULL_TIME = r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(?:\.(\d+))?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)"
_DATE = re.compile(_FULL_DATE + r"\Z", re.ASCII)
_TIME = re.compile(_FULL_TIME + r"\Z", re.ASCII | re.IGNORECASE)
_DATE_TIME = re.compile(f"({_FULL_DATE})[T ]({_FULL_TIME})\\Z", re.ASCII | re.IGNORECASE)
_ERA = 400
"""Years after which the calendar repeats itself."""


def is_full_date(text: str) -> bool:
    """Return whether a string is a `full-date` of RFC 3339: `2026-01-31`."""
    found = _DATE.match(text)
    if found is None:
        return False
    year, month, day = map(int, found.groups())
    try:
        date(year or _ERA, month, day)  # the year 0000, which RFC 3339 has and Python has not
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
    return (int(hour) * 60 + int(minute) - offset) % (24 * 60) == 24 * 60 - 1


def is_date_time(text: str) -> bool:
    """Return whether a string is a `date-time` of RFC 3339."""
    return text[10:11] in ("T", "t") and is_full_date(text[:10]) and is_full_time(text[11:])


def parse_time(text: str) -> datetime | None:
    """Return the timestamp that an RFC 3339 string stands for, with its nanoseconds; None if it is none.

    A blank may stand for the `T`. A leap second is none, as in Go.
    """
    found = _DATE_TIME.match(text)
    if found is None:
        return None
    day, fraction, zone = found[1], found[9], found[10]
    try:
        moment = datetime.fromisoformat(f"{day}T{found[6]}:{found[7]}:{found[8]}{zone.upper()}")
    except ValueError:
        return None
    if not fraction:
        return moment
    nanoseconds = int(fraction[:9].ljust(9, "0"))
    moment = moment.replace(microsecond=nanoseconds // 1000)
    return Timestamp.of(moment, nanoseconds % 1000) if nanoseconds % 1000 else moment


DURATION_PATTERN = r"^[+-]?(0|([0-9]{1,9}(\.[0-9]{1,9})?(ns|us|µs|ms|s|m|h)){1,7})$"
"""What a duration may look like; bounded, so that every match is a `timedelta`."""

_DURATION = re.compile(DURATION_PATTERN.removesuffix("$") + r"\Z")
_PART = re.compile(r"([0-9.]+)(ns|us|µs|ms|s|m|h)")
_MICROSECONDS = {"ns": 0.001, "us": 1, "µs": 1, "ms": 1e3, "s": 1e6, "m": 60e6, "h": 3600e6}


def parse_duration(text: str) -> timedelta | None:
    """Return the duration that a string stands for as Go reads it, None if it is none."""
    if _DURATION.match(text) is None:
        return None
    parts = _PART.findall(text)
    microseconds = sum(float(number) * _MICROSECONDS[unit] for number, unit in parts)
    return timedelta(microseconds=-microseconds if text.startswith("-") else microseconds)
