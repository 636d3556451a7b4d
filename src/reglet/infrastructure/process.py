"""This process: its cores, work beside others, the last few of what it made, and what a fork must not keep.

A thread that a fork left behind never gives back a lock that it held, nor does the work that it was given.
"""

from __future__ import annotations

import os
import threading
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


class Meanwhile(Generic[T]):
    """Work that a thread does while this one goes on."""

    def __init__(self, work: Callable[[], T]) -> None:
        """Begin `work`."""
        self._work = work
        self._outcome: tuple[T] | BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="reglet-meanwhile", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._outcome = (self._work(),)
        except BaseException as error:  # noqa: BLE001 - handed to whoever asks for the result
            self._outcome = error

    def result(self) -> T:
        """Wait for its end; return what it returned, or raise what it raised."""
        self._thread.join()
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        assert self._outcome is not None
        return self._outcome[0]


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
