"""The wasmtime configuration: one for builds and runs, so that both load the same compiled code."""

from __future__ import annotations

from functools import cache

import wasmtime
from wasmtime import _bindings as bindings  # the size of asynchronous stacks has no other name

MAX_WASM_STACK = 64 * 1024 * 1024
"""Bytes of native stack for a guest: so much that CPython's own recursion limits strike first, as an
exception and not as a trap. It is address space until it is used; guests run in threads that have it."""

_ASYNCHRONOUS_STACK = MAX_WASM_STACK + 1024 * 1024
"""Bytes: wasmtime wants it larger than the other, though no guest of ours has such a stack."""


@cache
def engine() -> wasmtime.Engine:
    """Return the process's engine.

    A store starts with an epoch deadline of 0 and traps at once: call `Store.set_epoch_deadline` first.
    """
    return wasmtime.Engine(engine_settings())


def engine_settings() -> wasmtime.Config:
    """Return the settings: NaNs canonical (reproducible builds), epochs on (guests can be stopped)."""
    settings = wasmtime.Config()
    settings.cranelift_nan_canonicalization = True
    settings.epoch_interruption = True
    bindings.wasmtime_config_async_stack_size_set(settings.ptr(), _ASYNCHRONOUS_STACK)
    settings.max_wasm_stack = MAX_WASM_STACK
    return settings


def fingerprint() -> str:
    """Name the settings that compiled code depends on; wasmtime itself refuses code of another version."""
    return "nan-epoch"
