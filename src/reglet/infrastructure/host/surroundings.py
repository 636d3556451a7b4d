"""What a guest sees of its system, apart from the host functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from attrs import field, frozen

from reglet.infrastructure.wasi import Tree

Preopens: TypeAlias = Callable[[], Sequence[tuple[str, Tree]]]
"""Makes the directories that one guest sees, each with its path in the guest."""

Sink: TypeAlias = Callable[[bytes], object]
"""Takes what a guest writes to a stream."""


def discard(_written: bytes) -> None:
    """Take bytes and keep none."""


@frozen
class Surroundings:
    """Files, variables and streams; by default there is nothing."""

    preopens: Preopens = field(default=tuple)
    environment: Mapping[str, str] = field(factory=dict, repr=False)
    stdout: Sink = discard
    stderr: Sink = discard
