"""What a guest sees of its system, apart from the host functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from attrs import field, frozen

from reglet.infrastructure.wasi import Tree

Preopens: TypeAlias = Callable[[], Sequence[tuple[str, Tree]]]
"""Makes the directories that one guest sees, each with its path in the guest."""

Sink: TypeAlias = Callable[[bytes], object]
"""Takes what a guest writes to a stream."""

_TAIL_BYTES = 2000


def discard(_written: bytes) -> None:
    """Take bytes and keep none."""


@frozen
class WasiConfig:
    """Files, variables, streams and the time; by default there is nothing, and this machine's time."""

    preopens: Preopens = field(default=tuple)
    environment: Mapping[str, str] = field(factory=dict, repr=False)
    stdout: Sink = discard
    stderr: Sink = discard
    clock: Callable[[], datetime] | None = None


class BoundedStream:
    """One stream of one guest: passes at most `limit` bytes on to `sink`, and says once what it drops."""

    def __init__(self, sink: Sink, limit: int) -> None:
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
        """The last 2,000 bytes that were written, for messages."""
        return self._tail.decode(errors="replace")
