"""How long one host call may take."""

from __future__ import annotations

from datetime import timedelta

from reglet.domain.context import Context


def time_left(ctx: Context, timeout: timedelta | None) -> timedelta | None:
    """Return the sooner of a call's own timeout and the context's deadline, None if there is neither.

    Zero and negative timeouts count as not set, as in the Go SDK.
    """
    own = timeout if timeout is not None and timeout > timedelta() else None
    remaining = ctx.remaining()
    if own is None or remaining is None:
        return own or remaining
    return min(own, remaining)
