"""The one wasmtime engine that builds and runs share, and the code it has compiled before."""

from reglet.infrastructure.engine.cache import Cache, cache_folder
from reglet.infrastructure.engine.compiled import compiled, compiled_before, compiled_by
from reglet.infrastructure.engine.configuration import engine, engine_settings
from reglet.infrastructure.engine.worker import run_in_guest_thread, start_guest_thread

__all__ = [
    "Cache",
    "cache_folder",
    "compiled",
    "compiled_before",
    "compiled_by",
    "engine",
    "engine_settings",
    "run_in_guest_thread",
    "start_guest_thread",
]
