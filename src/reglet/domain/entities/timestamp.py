"""A moment with nanoseconds: what RFC 3339 on the wire can say and `datetime` alone cannot."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
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
