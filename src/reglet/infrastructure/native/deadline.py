"""One moment by which a call must be over, whatever it is made of."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Self

from attrs import frozen

from reglet.domain.context import Context
from reglet.domain.errors import TimeoutError  # noqa: A004 - our own family

DEFAULT_TIMEOUT = timedelta(seconds=30)
"""How long a call may take when nobody says."""


@frozen
class Deadline:
    """When a call must be over: its own timeout, or the context's deadline if that comes first."""

    operation: str
    target: str
    timeout: timedelta
    _end: float

    @classmethod
    def start(cls, operation: str, target: str, timeout: timedelta | None, ctx: Context) -> Self:
        """Start the clock. Raises `TimeoutError` or `CancelledError` if the context is over already."""
        ctx.ensure_live(operation)
        whole = timeout if timeout is not None and timeout > timedelta() else DEFAULT_TIMEOUT
        left = ctx.remaining()
        whole = whole if left is None else min(whole, left)
        return cls(operation, target, whole, time.monotonic() + whole.total_seconds())

    @property
    def expired(self) -> bool:
        """Whether time has run out."""
        return self.left() == 0

    def left(self) -> float:
        """Return the seconds left, never less than zero."""
        return max(self._end - time.monotonic(), 0.0)

    def seconds(self) -> float:
        """Return the seconds left; `TimeoutError` when there are none."""
        left = self.left()
        if not left:
            raise self.error()
        return left

    def error(self) -> TimeoutError:
        """Return the error that says that time ran out."""
        return TimeoutError(self.operation, self.timeout, self.target)
