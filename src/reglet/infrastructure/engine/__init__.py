"""The one wasmtime engine that builds and runs share, the code it has compiled before, and its guests."""

from reglet.infrastructure.engine.cache import Cache, cache_folder
from reglet.infrastructure.engine.compilation import (
    MEMORY_IMAGES,
    RUNTIMES,
    CompilationError,
    compiled,
    compiled_apart,
    compiled_before,
    compiled_code,
    engine,
    last_line,
)
from reglet.infrastructure.engine.linking import (
    NOT_DROPPED,
    LinkedModule,
    MakeMemory,
    direct_calls,
    short_call,
    store_context,
)
from reglet.infrastructure.engine.session import GuestSession, HostFunction, idle_guests
from reglet.infrastructure.engine.threads import (
    GuestWork,
    outside_guests,
    run_in_guest_thread,
    start_in_guest_thread,
)

__all__ = [
    "MEMORY_IMAGES",
    "NOT_DROPPED",
    "RUNTIMES",
    "Cache",
    "CompilationError",
    "GuestSession",
    "GuestWork",
    "HostFunction",
    "LinkedModule",
    "MakeMemory",
    "cache_folder",
    "compiled",
    "compiled_apart",
    "compiled_before",
    "compiled_code",
    "direct_calls",
    "engine",
    "idle_guests",
    "last_line",
    "outside_guests",
    "run_in_guest_thread",
    "short_call",
    "start_in_guest_thread",
    "store_context",
]
