"""The wasmtime configuration: one for builds and runs, so that both load the same compiled code."""

from __future__ import annotations

from functools import cache

import wasmtime

MAX_WASM_STACK = 1_900 * 1024
"""Bytes of native stack for a guest: CPython's own recursion limit strikes first. The default would trap."""


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
    settings.max_wasm_stack = MAX_WASM_STACK
    return settings


def fingerprint() -> str:
    """Name the settings that compiled code depends on; wasmtime itself refuses code of another version."""
    return f"nan-epoch-{MAX_WASM_STACK}"
