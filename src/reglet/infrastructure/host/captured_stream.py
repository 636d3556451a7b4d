"""What a guest writes to a stream: passed on up to a limit, its end kept for messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reglet.infrastructure.host.surroundings import Sink

_TAIL_BYTES = 2000


class CapturedStream:
    """Passes at most `limit` bytes on to `sink`; says once that the rest is dropped."""

    def __init__(self, sink: Sink, limit: int) -> None:
        """Take the sink of one stream of one guest."""
        self._sink = sink
        self._left = limit
        self._limit = limit
        self._tail = b""

    def write(self, written: bytes) -> None:
        """Take what the guest wrote."""
        self._tail = (self._tail + written[-_TAIL_BYTES:])[-_TAIL_BYTES:]
        if self._left < 0:
            return
        self._sink(written[: self._left])
        self._left -= len(written)
        if self._left < 0:
            self._sink(f"\n[dropped: more than {self._limit} bytes]\n".encode())

    @property
    def tail(self) -> str:
        """The last that was written, as text."""
        return self._tail.decode(errors="replace")
