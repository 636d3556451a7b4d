"""The real time, for a guest that may be stopped while it sleeps."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from reglet.infrastructure.host.stopping import StopSwitch

_NANOSECONDS = 1_000_000_000


@frozen
class GuestClock:
    """Implements the wasi room's `Clock` with this machine's clocks."""

    switch: StopSwitch

    def now(self) -> int:
        """Return the nanoseconds since 1970."""
        return time.time_ns()

    def monotonic(self) -> int:
        """Return the nanoseconds since some moment; it never goes back."""
        return time.monotonic_ns()

    def resolution(self) -> int:
        """Return the smallest step of both, in nanoseconds."""
        return max(int(time.get_clock_info("time").resolution * _NANOSECONDS), 1)

    def sleep(self, duration: int) -> None:
        """Let `duration` nanoseconds pass, or fewer when the guest is stopped."""
        self.switch.wait(duration / _NANOSECONDS)
