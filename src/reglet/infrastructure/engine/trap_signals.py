"""The signals that end a guest, kept wasmtime's own.

A guest's trap is a signal that wasmtime handles, for which it sets handlers once, when its first engine is
made. `faulthandler.enable()` and `disable()` after that put others in their place, and then a trap ends the
process: so whoever runs a guest sets wasmtime's handlers again. That takes some microseconds; traps without
signals would need checks in compiled code, which make it half as large again and a sixth slower.
"""

from __future__ import annotations

import ctypes
import signal
import sys

_SIGNALS = ("SIGILL", "SIGSEGV", "SIGBUS", "SIGFPE")
_LARGEST_ACTION = 1024
"""Bytes that no platform's `struct sigaction` takes; what is in it is the C library's business."""

_actions: dict[int, ctypes.Array[ctypes.c_char]] = {}


def remember_trap_handlers() -> None:
    """Note the handlers that wasmtime has just set. Windows has no such signals."""
    if sys.platform == "win32" or _actions:
        return
    for number in (getattr(signal, name) for name in _SIGNALS):
        action = ctypes.create_string_buffer(_LARGEST_ACTION)
        if ctypes.CDLL(None).sigaction(int(number), None, action) == 0:
            _actions[int(number)] = action


def restore_trap_handlers() -> None:
    """Set wasmtime's handlers again, before a guest runs."""
    for number, action in _actions.items():
        ctypes.CDLL(None).sigaction(number, action, None)
