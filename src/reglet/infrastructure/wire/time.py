"""Moments and spans as the wire writes them: RFC 3339 with nanoseconds, whole milliseconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

from reglet.domain.entities.timestamp import Timestamp

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII
)
_MINUTES_PER_HOUR = 60
_HOURS_PER_DAY = 24
_MILLISECOND = timedelta(milliseconds=1)
_MOST_MILLISECONDS = timedelta.max // _MILLISECOND


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


def parse_time(text: str) -> Timestamp:
    """Return the moment that an RFC 3339 text names, to the nanosecond.

    Raises:
        ValueError: it names none.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not an RFC 3339 time such as 2026-01-02T03:04:05.5Z")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction = (match[7] or "").ljust(9, "0")
    return Timestamp(
        *(year, month, day, hour, minute, second, int(fraction[:6])),
        _parse_zone(match),
        nanosecond=int(fraction[6:9]),
    )


def _parse_zone(match: re.Match[str]) -> tzinfo:
    if match[8] is None:
        return UTC
    hours, minutes = int(match[9]), int(match[10])
    if hours >= _HOURS_PER_DAY or minutes >= _MINUTES_PER_HOUR:
        raise ValueError(f"{match[0]!r} has a zone that is a day or more from UTC")
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if match[8] == "-" else offset) if offset else UTC


def milliseconds(span: timedelta | None) -> int:
    """Return a span in whole milliseconds, a positive one at least 1; None is 0, which means unset."""
    if span is None:
        return 0
    whole = span // _MILLISECOND
    return 1 if not whole and span > timedelta() else whole


def elapsed(milliseconds: int) -> timedelta:
    """Return milliseconds that passed, at most the longest span there is."""
    return timedelta(milliseconds=max(-_MOST_MILLISECONDS, min(milliseconds, _MOST_MILLISECONDS)))


def span(milliseconds: int) -> timedelta | None:
    """Return a span of milliseconds, the longest one there is if need be; None for 0 and below."""
    if milliseconds <= 0:
        return None
    return elapsed(milliseconds)
