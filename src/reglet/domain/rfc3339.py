"""Moments as Go writes them: RFC 3339, nanoseconds without trailing zeros."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

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
