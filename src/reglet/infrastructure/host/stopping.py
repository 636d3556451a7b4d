"""Stopping one guest among many that share an engine.

An epoch is the engine's, so moving it concerns every store. Each store asks its own switch then: thrown, the
guest stops; not thrown, it goes on. wasmtime-py binds the callback in C and has no method for it.
"""

from __future__ import annotations

import ctypes
import itertools
import threading
from typing import Any

import wasmtime
from wasmtime import _ffi as ffi  # the callback has no other name

_GOES_ON = 0
"""`WASMTIME_UPDATE_DEADLINE_CONTINUE`, and a null error."""

_switches: dict[int, StopSwitch] = {}
_numbers = itertools.count(1)


class StopSwitch:
    """Stops a guest, once, for the first reason given."""

    def __init__(self, engine: wasmtime.Engine) -> None:
        """Make a switch for one store of `engine`."""
        self._engine = engine
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._reason: BaseException | None = None

    @property
    def reason(self) -> BaseException | None:
        """Why the guest was stopped; None while it may run."""
        return self._reason

    def stop(self, reason: BaseException) -> None:
        """Stop the guest at its next call or loop, from any thread; a later reason changes nothing.

        A guest that was just asked whether it goes on may miss it: call again until it has ended.
        """
        with self._lock:
            if self._reason is None:
                self._reason = reason
        self._stopped.set()
        self._engine.increment_epoch()

    def wait(self, seconds: float) -> None:
        """Wait, but no longer than until the guest is stopped."""
        self._stopped.wait(min(seconds, threading.TIMEOUT_MAX))

    def attach(self, store: wasmtime.Store) -> None:
        """Let this switch decide about `store`, until the store is closed."""
        number = next(_numbers)
        _switches[number] = self
        store.set_epoch_deadline(1)
        ffi.wasmtime_store_epoch_deadline_callback(store.ptr(), _ON_EPOCH, number, _ON_CLOSE)
        if self._reason is not None:  # the epoch moved before the store had a deadline
            self._engine.increment_epoch()


def _on_epoch(_context: Any, number: int | None, ticks: Any, kind: Any) -> int:
    switch = _switches.get(number or 0)
    if switch is None or switch.reason is not None:
        return ctypes.cast(ffi.wasmtime_error_new(b"stopped by the host"), ctypes.c_void_p).value or 0
    ticks[0] = 1
    kind[0] = _GOES_ON
    return _GOES_ON


def _on_close(number: int | None) -> None:
    _switches.pop(number or 0, None)


_ON_EPOCH = ctypes.CFUNCTYPE(
    ctypes.c_size_t,
    ctypes.POINTER(ffi.wasmtime_context_t),
    ctypes.c_void_p,
    ctypes.POINTER(ctypes.c_uint64),
    ctypes.POINTER(ffi.wasmtime_update_deadline_kind_t),
)(_on_epoch)
_ON_CLOSE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(_on_close)
