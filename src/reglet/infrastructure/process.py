"""This process: its cores, the last few of what it made, and what a forked one must not go on with.

A thread that a fork left behind never gives back a lock that it held, nor does the work that it was given.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Callable

K = TypeVar("K")
T = TypeVar("T")

_all: WeakSet[Renewed[Any]] = WeakSet()
_is_forked = False


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def keep_last(kept: dict[K, T], key: K, value: T, most: int) -> None:
    """Put a value last among those that are kept, and drop the first of too many."""
    kept.pop(key, None)
    kept[key] = value
    while len(kept) > most:
        del kept[next(iter(kept))]


class Renewed(Generic[T]):
    """Something that a forked process makes anew."""

    def __init__(self, make: Callable[[], T]) -> None:
        self.make = make
        self.value = make()

    def __call__(self) -> T:
        """Return this process's own."""
        return self.value


def renewed_after_fork(make: Callable[[], T]) -> Renewed[T]:
    """Return what returns one that `make` made, in a forked process another one."""
    renewed = Renewed(make)
    _all.add(renewed)
    return renewed


def is_forked() -> bool:
    """Whether this process was forked off another, so that threads of the engine may be missing."""
    return _is_forked


def _renew() -> None:
    global _is_forked  # noqa: PLW0603 - it is the process that was forked
    _is_forked = True
    for each in list(_all):
        each.value = each.make()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
