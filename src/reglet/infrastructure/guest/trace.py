"""Where a plugin reads a clock or takes random bytes at import: asked for only when it does.

A profile function sees the calls of C functions, which a patch of their modules would not.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

_OF_CLOCK = frozenset({"now", "utcnow", "today", "poll"})  # selectors polls as it is imported, by a deadline
_OF_RANDOM = frozenset({"urandom", "getrandom", "seed"})


class Trace:
    """Notes, while it is entered, the author's first reading of each kind; empty if all are others'."""

    def __init__(self, describe: Callable[[FrameType], str]) -> None:
        """Take what makes text of a stack, empty where it has no frame of the author's."""
        self._describe = describe
        self.found: dict[str, str] = {}

    def __enter__(self) -> Self:
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _note(self, frame: FrameType, event: str, function: Any) -> None:
        if event != "c_call":
            return
        kind = _kind(function)
        if kind is not None and not self.found.get(kind):
            self.found[kind] = self._describe(frame)


def _kind(function: Any) -> str | None:
    if function.__module__ == "time" or function.__name__ in _OF_CLOCK:
        return "clock"
    return "random" if function.__name__ in _OF_RANDOM else None
