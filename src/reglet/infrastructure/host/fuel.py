"""Modules compiled to count their instructions: other code, so another engine and cache folder."""

from __future__ import annotations

from functools import cache

import wasmtime

from reglet.infrastructure.engine import Cache, cache_folder, compiled_by, engine_settings

_MOST_MODULES = 4


@cache
def fuel_engine() -> wasmtime.Engine:
    """Return the process's engine for runs with a limit on fuel."""
    counting = engine_settings()
    counting.consume_fuel = True
    return wasmtime.Engine(counting)


def compiled_with_fuel(module: bytes, digest: str) -> wasmtime.Module:
    """Return `module` compiled to count; raises `wasmtime.WasmtimeError` when it does not validate."""
    kept = Cache(cache_folder() / "compiled-fuel", _MOST_MODULES)
    return compiled_by(fuel_engine(), kept, f"{digest[:32]}.cwasm", module)
