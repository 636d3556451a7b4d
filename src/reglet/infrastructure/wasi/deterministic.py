"""The system that a build runs in: whatever it is asked, the answer is the same every time."""

from __future__ import annotations

import hashlib

_STEP = 1_000
"""Nanoseconds between two readings of the clock."""


class SteppingClock:
    """A clock that moves 1 µs a reading, and jumps on when the guest sleeps.

    Args:
        start: nanoseconds since 1970 before the first reading.
    """

    def __init__(self, start: int) -> None:
        self._start = start
        self._passed = 0
        self.readings = 0

    def now(self) -> int:
        """Return the start and what has passed since."""
        return self._start + self._read()

    def monotonic(self) -> int:
        """Return what has passed."""
        return self._read()

    def resolution(self) -> int:
        """Return the step, 1 µs."""
        return _STEP

    def sleep(self, duration: int) -> None:
        """Pass at once."""
        self._passed += duration

    def _read(self) -> int:
        self.readings += 1
        self._passed += _STEP
        return self._passed


class HashedRandom:
    """Random bytes from SHA-256 over a counter."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._blocks = 0
        self.requests = 0

    def __call__(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        self.requests += 1
        content = bytearray()
        while len(content) < size:
            content += hashlib.sha256(self._seed + self._blocks.to_bytes(8, "little")).digest()
            self._blocks += 1
        return bytes(content[:size])
