"""The wasmtime configuration, one for builds and runs, and modules compiled with it once and kept on disk."""

from __future__ import annotations

import ctypes
import hashlib
import platform
import signal
import sys
from functools import cache

import wasmtime
from wasmtime import _bindings as bindings  # the size of asynchronous stacks has no other name

from reglet.infrastructure.engine.cache import Cache, cache_folder

MAX_WASM_STACK = 64 * 1024 * 1024
"""Bytes of native stack for a guest: so much that CPython's own recursion limits strike first, as an
exception and not as a trap. It is address space until it is used; guests run in threads that have it."""

_ASYNCHRONOUS_STACK = MAX_WASM_STACK + 1024 * 1024
"""Bytes: wasmtime wants it larger than the other, though no guest of ours has such a stack."""

_SIGNALS = ("SIGILL", "SIGSEGV", "SIGBUS", "SIGFPE")
_LARGEST_ACTION = 1024
"""Bytes that no platform's `struct sigaction` takes; what is in it is the C library's business."""

_trap_handlers: dict[int, ctypes.Array[ctypes.c_char]] = {}

_FINGERPRINT = "nan-epoch"
"""The settings that compiled code depends on; wasmtime itself refuses code of another version."""

_MOST_MODULES = 12
"""About 20 MB each."""

_MOST_MODULES_WITH_FUEL = 4


@cache
def engine() -> wasmtime.Engine:
    """Return the process's engine.

    A store starts with an epoch deadline of 0 and traps at once: call `Store.set_epoch_deadline` first.
    """
    made = wasmtime.Engine(_settings())
    _remember_trap_handlers()
    return made


@cache
def fuel_engine() -> wasmtime.Engine:
    """Return the process's engine for runs with a limit on fuel: its code counts instructions."""
    counting = _settings()
    counting.consume_fuel = True
    made = wasmtime.Engine(counting)
    _remember_trap_handlers()
    return made


def _settings() -> wasmtime.Config:
    """Return the settings: NaNs canonical (reproducible builds), epochs on (guests can be interrupted)."""
    settings = wasmtime.Config()
    settings.cranelift_nan_canonicalization = True
    settings.epoch_interruption = True
    bindings.wasmtime_config_async_stack_size_set(settings.ptr(), _ASYNCHRONOUS_STACK)
    settings.max_wasm_stack = MAX_WASM_STACK
    return settings


def _remember_trap_handlers() -> None:
    """Note the handlers that wasmtime has just set. Windows has no such signals."""
    if sys.platform == "win32" or _trap_handlers:
        return
    for number in (getattr(signal, name) for name in _SIGNALS):
        action = ctypes.create_string_buffer(_LARGEST_ACTION)
        if ctypes.CDLL(None).sigaction(int(number), None, action) == 0:
            _trap_handlers[int(number)] = action


def restore_trap_handlers() -> None:
    """Set wasmtime's signal handlers again, before a guest runs.

    A guest's trap is a signal, for which wasmtime sets handlers once, when its first engine is made.
    `faulthandler.enable()` and `disable()` after that put others in their place, and then a trap ends the
    process. To set them takes some microseconds; traps without signals would need checks in compiled code,
    which make it half as large again and a sixth slower.
    """
    for number, action in _trap_handlers.items():
        ctypes.CDLL(None).sigaction(number, action, None)


def compiled(module: bytes, key: str | None = None, *, fuel: bool = False) -> wasmtime.Module:
    """Return `module` compiled for this machine, from the cache where it was compiled before.

    Args:
        module: a WebAssembly binary.
        key: what names its content; the SHA-256 of `module` when left out.
        fuel: whether it is to run on `fuel_engine`.

    Raises:
        wasmtime.WasmtimeError: `module` does not validate.
    """
    key = key or hashlib.sha256(module).hexdigest()
    before = compiled_before(key, fuel=fuel)
    if before is not None:
        return before
    made = wasmtime.Module(fuel_engine() if fuel else engine(), module)
    _kept(fuel=fuel).write(_name(key), made.serialize())
    return made


def compiled_before(key: str, *, fuel: bool = False) -> wasmtime.Module | None:
    """Return what was compiled under `key` before and is still kept; None if it would have to be compiled."""
    path = _kept(fuel=fuel).path(_name(key))
    if path is None:
        return None
    try:
        return wasmtime.Module.deserialize_file(fuel_engine() if fuel else engine(), str(path))
    except wasmtime.WasmtimeError:  # made by another version or for another processor
        return None


def _kept(*, fuel: bool) -> Cache:
    if fuel:
        return Cache(cache_folder() / "compiled-fuel", _MOST_MODULES_WITH_FUEL)
    return Cache(cache_folder() / "compiled", _MOST_MODULES)


def _name(key: str) -> str:
    parts = f"{key} {_FINGERPRINT} {platform.system()} {platform.machine()}"
    return hashlib.sha256(parts.encode()).hexdigest()[:32] + ".cwasm"
