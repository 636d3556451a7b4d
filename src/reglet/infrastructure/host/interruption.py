"""Interrupting one guest among many that share an engine: its calls, and its sleep.

An epoch is the engine's, so moving it concerns every store. Each store asks its own interrupt then: raised,
the guest ends; not raised, it goes on. wasmtime-py binds the callback in C and has no method for it.
"""

from __future__ import annotations

import ctypes
import itertools
import threading
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import wasmtime
from attrs import frozen
from wasmtime import _ffi as ffi  # the callback has no other name

from reglet.domain.time import EPOCH
from reglet.infrastructure.engine import (
    NOT_DROPPED,
    GuestWork,
    outside_guests,
    short_call,
    start_in_guest_thread,
    store_context,
)
from reglet.infrastructure.host.errors import LimitExceededError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_NANOSECONDS = 1_000_000_000

_INTERRUPTS = 4
_INTERRUPT_SECONDS = 0.02
"""How often a guest is interrupted, and seconds between; a host call that takes longer is left behind."""

_CONTINUE = 0
"""`WASMTIME_UPDATE_DEADLINE_CONTINUE`, and a null error."""

_set_epoch_deadline = short_call("wasmtime_context_set_epoch_deadline")
_on_epoch_deadline = short_call("wasmtime_store_epoch_deadline_callback")

_interrupts: dict[int, EpochInterrupt] = {}
_numbers = itertools.count(1)


class EpochInterrupt:
    """Stops the guest of one store of `engine`, once, for the first reason given."""

    def __init__(self, engine: wasmtime.Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._running = threading.Lock()
        self._running.acquire()
        self._number = next(_numbers)
        self.reason: BaseException | None = None
        """Why the guest was stopped; None while it may run."""

    def raise_(self, reason: BaseException) -> None:
        """Stop the guest at its next call or loop, from any thread; a later reason changes nothing.

        A guest that was just asked whether it goes on may miss it: call again until it has ended.
        """
        with self._lock:
            if self.reason is None:
                self.reason = reason
                self._running.release()
        self._engine.increment_epoch()

    def wait(self, seconds: float) -> None:
        """Wait, but no longer than until the guest is stopped."""
        if outside_guests(self._running.acquire, timeout=min(seconds, threading.TIMEOUT_MAX)):
            self._running.release()

    def attach(self, store: wasmtime.Store) -> None:
        """Let this interrupt decide about `store`, until `detach`: then the store's guest runs no more."""
        _interrupts[self._number] = self
        _set_epoch_deadline(store_context(store.ptr()), 1)
        _on_epoch_deadline(store.ptr(), _ON_EPOCH, self._number, NOT_DROPPED)
        if self.reason is not None:  # the epoch moved before the store had a deadline
            self._engine.increment_epoch()

    def detach(self) -> None:
        """Decide about its store no more. Doing so twice does nothing."""
        _interrupts.pop(self._number, None)


def _on_epoch(_context: Any, number: int | None, ticks: Any, kind: Any) -> int:
    interrupt = _interrupts.get(number or 0)
    if interrupt is None or interrupt.reason is not None:
        return ctypes.cast(ffi.wasmtime_error_new(b"stopped by the host"), ctypes.c_void_p).value or 0
    ticks[0] = 1
    kind[0] = _CONTINUE
    return _CONTINUE


_ON_EPOCH = ctypes.CFUNCTYPE(
    ctypes.c_size_t,
    ctypes.POINTER(ffi.wasmtime_context_t),
    ctypes.c_void_p,
    ctypes.POINTER(ctypes.c_uint64),
    ctypes.POINTER(ffi.wasmtime_update_deadline_kind_t),
)(_on_epoch)


@frozen(eq=False, repr=False)
class GuestClock:
    """Implements the wasi room's `Clock` with this machine's clocks, or with a given time of day."""

    interrupt: EpochInterrupt
    time_of_day: Callable[[], datetime] | None = None

    def now(self) -> int:
        """Return the nanoseconds since 1970."""
        if self.time_of_day is None:
            return time.time_ns()
        return (self.time_of_day() - EPOCH) // timedelta(microseconds=1) * 1000

    def monotonic(self) -> int:
        """Return the nanoseconds since some moment; it never goes back."""
        return time.monotonic_ns()

    def resolution(self) -> int:
        """Return the smallest step of both, in nanoseconds."""
        return max(int(time.get_clock_info("time").resolution * _NANOSECONDS), 1)

    def sleep(self, duration: int) -> None:
        """Let `duration` nanoseconds pass, or fewer when the guest is stopped."""
        self.interrupt.wait(duration / _NANOSECONDS)

    def is_over(self) -> bool:
        """Whether the guest was stopped."""
        return self.interrupt.reason is not None


def run_guest(
    work: Callable[[timedelta], T],
    interrupt: EpochInterrupt,
    wall_time: timedelta,
    slots: threading.Semaphore,
) -> T:
    """Run `work`, which calls into a guest, and return its result or raise what it raised.

    The guest is stopped when `wall_time` is over, and when the caller is interrupted. An epoch stops no
    host call: one that outlasts the deadline is left behind in its thread, which cleans up when it ends.

    It waits for one of `slots` first, and gives it back when the work ends; what remains of the time is given
    to the work.

    Raises:
        LimitExceededError: time ran out.
    """
    seconds = wall_time.total_seconds()
    deadline = time.monotonic() + seconds
    if not slots.acquire(timeout=min(seconds, threading.TIMEOUT_MAX)):
        what = "all guests that may run at once (Limits.instances) were still running"
        raise LimitExceededError("wall_time", f"{seconds:g} s", what, is_timeout=True)
    remaining = max(0.0, deadline - time.monotonic())

    def run() -> T:
        try:
            return work(timedelta(seconds=remaining))
        finally:
            slots.release()

    try:
        started = start_in_guest_thread(run)
    except RuntimeError:
        slots.release()
        raise
    late = None
    try:
        if not started.wait(remaining):
            what = "the plugin did not answer in time"
            late = LimitExceededError("wall_time", f"{seconds:g} s", what, is_timeout=True)
            _interrupt(started, interrupt, late)
    except BaseException as reason:
        _interrupt(started, interrupt, reason)
        raise
    if late is not None and not started.wait(0):
        raise late
    return started.result()


def _interrupt(started: GuestWork[T], interrupt: EpochInterrupt, reason: BaseException) -> None:
    for _ in range(_INTERRUPTS):
        interrupt.raise_(reason)
        if started.wait(_INTERRUPT_SECONDS):
            return
