"""Moments and spans as the wire writes them: RFC 3339 with nanoseconds, whole milliseconds."""

from __future__ import annotations

import re
from datetime import UTC, timedelta, timezone, tzinfo

from reglet.domain.time import Timestamp

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII
)
_MINUTES_PER_HOUR = 60
_HOURS_PER_DAY = 24
_MILLISECOND = timedelta(milliseconds=1)
_MOST_MILLISECONDS = timedelta.max // _MILLISECOND


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
