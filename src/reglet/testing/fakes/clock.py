"""A clock that stands still until a test, or an answer's latency, moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class FakeClock:
    """The time of the fakes: latency is added here, nothing waits."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        """Stand at `start`."""
        self._start = start
        self._elapsed = timedelta()

    @property
    def elapsed(self) -> timedelta:
        """How far it has moved since the start."""
        return self._elapsed

    def now(self) -> datetime:
        """Return the moment at which it stands."""
        return self._start + self._elapsed

    def advance(self, by: timedelta) -> None:
        """Move on; a clock does not go back."""
        if by < timedelta():
            raise ValueError(f"a clock does not go back: {by}")
        self._elapsed += by
