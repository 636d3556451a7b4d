"""The one wasmtime engine that builds and runs share, the code it has compiled before, and its guests."""

from reglet.infrastructure.engine.cache import Cache, cache_folder
from reglet.infrastructure.engine.compilation import compiled, compiled_before, engine, fuel_engine
from reglet.infrastructure.engine.session import (
    FillMemory,
    FunctionImport,
    GuestSession,
    HostFunction,
    function_imports,
)
from reglet.infrastructure.engine.threads import run_in_guest_thread, start_guest_thread

__all__ = [
    "Cache",
    "FillMemory",
    "FunctionImport",
    "GuestSession",
    "HostFunction",
    "cache_folder",
    "compiled",
    "compiled_before",
    "engine",
    "fuel_engine",
    "function_imports",
    "run_in_guest_thread",
    "start_guest_thread",
]
