"""The wasmtime configuration, one for builds and runs, and modules compiled with it once and kept on disk."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import platform
import signal
import sys
import threading
import time
from functools import cache
from typing import Any

import wasmtime
from wasmtime import _bindings as bindings  # some settings have no other name

from reglet.domain.errors import RegletError
from reglet.infrastructure.engine.cache import Cache, cache_folder
from reglet.infrastructure.process import is_forked, renewed_after_fork
from reglet.infrastructure.wasm import ModuleFormatError

MAX_WASM_STACK = 64 * 1024 * 1024
"""Bytes of native stack for a guest: so much that CPython's own recursion limits strike first, as an
exception and not as a trap. It is address space until it is used; guests run in threads that have it."""

_ASYNCHRONOUS_STACK = MAX_WASM_STACK + 1024 * 1024
"""Bytes: wasmtime wants it larger than the other, though no guest of ours has such a stack."""

_PROPOSALS_LEFT_OUT = (
    "component_model",
    "custom_page_sizes",
    "exceptions",
    "function_references",
    "gc",
    "memory64",
    "multi_memory",
    "relaxed_simd",
    "simd",
    "stack_switching",
    "tail_call",
    "threads",
    "wide_arithmetic",
)
"""What neither the runtime nor what Go and Rust compile to needs: less to be wrong with a foreign module."""

_SIGNALS = ("SIGILL", "SIGSEGV", "SIGBUS", "SIGFPE")
_LARGEST_ACTION = 1024
"""Bytes that no platform's `struct sigaction` takes; what is in it is the C library's business."""

_trap_handlers: dict[int, ctypes.Array[ctypes.c_char]] = {}

_FINGERPRINT = "nan-epoch-2"
"""The settings that compiled code depends on; wasmtime itself refuses code of another version."""

RUNTIMES = "runtimes"
"""The cache of the code that built plugins share, which nothing else pushes out."""

MEMORY_IMAGES = "memory-images"
"""The cache of the memories of built plugins."""

DIRECT_CALLS = "direct-calls"
"""The cache of what answers guests without the host."""

_FOREIGN = "compiled"
"""The cache of modules that are compiled whole."""

_MOST_ENTRIES = {RUNTIMES: 3, MEMORY_IMAGES: 12, DIRECT_CALLS: 3, _FOREIGN: 12}
"""About 20 MB each; a few KB what answers without the host."""

_INVALID, _NO_MEMORY = 3, 4
"""Exit statuses of the process that compiles; out of memory, wasmtime itself ends it by a signal."""
_LOOK_SECONDS = 0.01
"""How often it looks at its memory, where the system does not."""

_COMPILER = """\
import sys
fuel, memory, *sys.path[:] = sys.argv[1:]
from reglet.infrastructure.engine.compilation import compile_for_parent
compile_for_parent(fuel=fuel == "fuel", memory=int(memory))
"""
"""What a process runs that compiles."""


class CompilationError(RegletError):
    """A module does not validate, or to compile it takes more than it may.

    Attributes:
        limit: `compile_time` or `compile_memory`; empty when the module does not validate.
    """

    def __init__(self, reason: str, limit: str = "") -> None:
        super().__init__(reason)
        self.limit = limit


_engines: dict[bool, wasmtime.Engine] = {}
_engines_lock = renewed_after_fork(threading.Lock)


def engine(*, fuel: bool = False) -> wasmtime.Engine:
    """Return the process's engine, or that for runs with a limit on fuel: its code counts instructions.

    A store starts with an epoch deadline of 0 and traps at once: call `Store.set_epoch_deadline` first.
    """
    with _engines_lock():
        if fuel in _engines:
            return _engines[fuel]
        settings = wasmtime.Config()
        settings.cranelift_nan_canonicalization = True  # builds are reproducible
        settings.epoch_interruption = True  # guests can be interrupted
        for proposal in _PROPOSALS_LEFT_OUT:
            setattr(settings, f"wasm_{proposal}", False)
        bindings.wasmtime_config_concurrency_support_set(settings.ptr(), False)
        bindings.wasmtime_config_async_stack_size_set(settings.ptr(), _ASYNCHRONOUS_STACK)
        settings.max_wasm_stack = MAX_WASM_STACK
        if fuel:
            settings.consume_fuel = True
        _engines[fuel] = wasmtime.Engine(settings)
        # it has just set handlers of signals; on Windows and macOS traps are no signals
        if sys.platform not in {"win32", "darwin"} and not _trap_handlers:
            for number in (getattr(signal, name) for name in _SIGNALS):
                action = ctypes.create_string_buffer(_LARGEST_ACTION)
                if c_library().sigaction(int(number), None, action) == 0:
                    _trap_handlers[int(number)] = action
        return _engines[fuel]


def restore_trap_handlers() -> None:
    """Set wasmtime's signal handlers again, before a guest runs.

    A guest's trap is a signal, for which wasmtime sets handlers once, when its first engine is made.
    `faulthandler.enable()` and `disable()` after that put others in their place, and then a trap ends the
    process. To set them takes some microseconds; traps without signals would need checks in compiled code,
    which make it half as large again and a sixth slower.
    """
    for number, action in _trap_handlers.items():
        _sigaction()(number, action, None)


@cache
def _sigaction() -> Any:
    """Return the function, called with the interpreter held: it is short, and comes before every guest."""
    return ctypes.PyDLL(None).sigaction


@cache
def c_library() -> ctypes.CDLL:
    """Return the C library of this process, where it has one (not on Windows)."""
    return ctypes.CDLL(None)


def compiled(
    module: bytes, key: str | None = None, *, fuel: bool = False, kept: str = RUNTIMES
) -> wasmtime.Module:
    """Return a module of this SDK's own making compiled for this machine, as before where it was before.

    Args:
        module: a WebAssembly binary.
        key: what names its content; the SHA-256 of `module` when left out.
        fuel: whether it is to run on the engine that counts fuel.
        kept: the cache that it is kept in.

    Raises:
        CompilationError: `module` does not validate.
    """
    key = key or hashlib.sha256(module).hexdigest()
    before = compiled_before(key, fuel=fuel, kept=kept)
    if before is not None:
        return before
    if is_forked():
        return _loaded(_compiled_apart(module, fuel, None, 0), key, fuel, kept)
    try:
        made = wasmtime.Module(engine(fuel=fuel), module)
    except wasmtime.WasmtimeError as error:
        raise CompilationError(_why_invalid(error)) from error
    _cache(kept, fuel=fuel).write(_name(key), made.serialize())
    return made


def compiled_code(module: bytes, key: str | None = None, *, fuel: bool = False) -> wasmtime.Module:
    """Return the code of a module of this SDK's own making, with an imported memory, compiled.

    `key` names the content of the whole module. Raises `CompilationError`, and `ModuleFormatError` for a
    module that has no memory of its own or a start function.
    """
    key = f"{key or hashlib.sha256(module).hexdigest()} code and globals"
    before = compiled_before(key, fuel=fuel, kept=RUNTIMES)
    if before is not None:
        return before
    from reglet.infrastructure.wasm.snapshot import code_module  # a process that compiles does without

    return compiled(code_module(module), key, fuel=fuel)


def compiled_apart(module: bytes, key: str, *, fuel: bool, seconds: float, memory: int) -> wasmtime.Module:
    """Return a foreign module compiled for this machine, in a process of its own with limits.

    Args:
        module: a WebAssembly binary.
        key: what names its content.
        fuel: whether it is to run on the engine that counts fuel.
        seconds: how long it may take. Ctrl-C ends it at once.
        memory: bytes that the compiler may take (Linux).

    Raises:
        CompilationError: `module` does not validate, or reached a limit.
    """
    code = _compiled_apart(module, fuel, seconds, memory)
    return _loaded(code, key, fuel, _FOREIGN)


def compiled_before(key: str, *, fuel: bool = False, kept: str = _FOREIGN) -> wasmtime.Module | None:
    """Return what was compiled under `key` before and is still kept; None if it would have to be compiled."""
    path = _cache(kept, fuel=fuel).path(_name(key))
    if path is None:
        return None
    try:
        return wasmtime.Module.deserialize_file(engine(fuel=fuel), str(path))
    except wasmtime.WasmtimeError:  # made by another version or for another processor
        return None


def _why_invalid(error: Exception) -> str:
    reason = error.reason if isinstance(error, ModuleFormatError) else last_line(error)
    return f"it does not validate: {reason}"


def last_line(error: Exception) -> str:
    """Return what wasmtime says, without its backtrace."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].removeprefix("wasm trap: ") if lines else type(error).__name__


def _loaded(code: bytes, key: str, fuel: bool, kept: str) -> wasmtime.Module:
    _cache(kept, fuel=fuel).write(_name(key), code)
    return compiled_before(key, fuel=fuel, kept=kept) or wasmtime.Module.deserialize(engine(fuel=fuel), code)


_WORDS_OF_NO_MEMORY = (b"MemoryError", b"memory allocation of", b"Cannot allocate memory")
"""Python's, Rust's and the system's, whichever of them was the one that got none."""


def _compiled_apart(module: bytes, fuel: bool, seconds: float | None, memory: int) -> bytes:
    import subprocess

    group_of_its_own = 0  # a session is one
    if sys.platform == "win32":
        group_of_its_own = subprocess.CREATE_NEW_PROCESS_GROUP
    arguments = ("fuel" if fuel else "", str(memory), *sys.path)
    with subprocess.Popen(  # noqa: S603 - this interpreter, and this file
        (sys.executable, "-I", "-c", _COMPILER, *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is this process's; it ends the other
        creationflags=group_of_its_own,
    ) as compiler:
        try:
            code, said = compiler.communicate(module, seconds)
        except subprocess.TimeoutExpired as error:
            compiler.kill()
            reason = f"it was not compiled in {seconds:g} s"
            raise CompilationError(reason, "compile_time") from error
        except BaseException:
            compiler.kill()
            compiler.wait()  # which `Popen` does not do for Ctrl-C
            raise
    if compiler.returncode == 0:
        return code
    lacked = any(words in said for words in _WORDS_OF_NO_MEMORY)
    if memory and (lacked or compiler.returncode == _NO_MEMORY or compiler.returncode < 0):
        raise CompilationError(f"to compile it takes more than {memory} bytes", "compile_memory")
    if compiler.returncode == _INVALID:
        raise CompilationError(said.decode(errors="replace"))
    why = said.decode(errors="replace").strip().splitlines()
    raise CompilationError(f"the compiler ended with status {compiler.returncode}: {why[-1] if why else ''}")


def compile_for_parent(*, fuel: bool, memory: int) -> None:
    """Compile the module on standard input, in at most `memory` bytes (0: no limit), and write the code."""
    from reglet.infrastructure.wasm.module import TooLargeError, check_code

    if memory and sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    elif memory and sys.platform != "win32":  # where no limit of the system holds a process to it
        threading.Thread(target=end_beyond, args=(memory,), daemon=True).start()
    module = sys.stdin.buffer.read()
    try:
        check_code(module)
        made = wasmtime.Module(engine(fuel=fuel), module)
    except TooLargeError as error:
        sys.stderr.write(error.reason)
        sys.exit(_INVALID)
    except (ModuleFormatError, wasmtime.WasmtimeError) as error:
        sys.stderr.write(_why_invalid(error))
        sys.exit(_INVALID)
    except MemoryError:
        sys.exit(_NO_MEMORY)
    with contextlib.suppress(BrokenPipeError):  # whoever asked has gone
        sys.stdout.buffer.write(made.serialize())
        sys.stdout.buffer.flush()


def end_beyond(memory: int) -> None:
    """End this process as one that has no memory left once it takes that many bytes more than now (POSIX)."""
    if sys.platform != "win32":
        import resource

        unit = 1 if sys.platform == "darwin" else 1024  # of the most that was in use
        start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        while (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start) * unit < memory:
            time.sleep(_LOOK_SECONDS)
        os._exit(_NO_MEMORY)


def _cache(kept: str, *, fuel: bool) -> Cache:
    return Cache(cache_folder() / (f"{kept}-fuel" if fuel else kept), _MOST_ENTRIES[kept])


def _name(key: str) -> str:
    parts = f"{key} {_FINGERPRINT} {platform.system()} {platform.machine()}"
    return hashlib.sha256(parts.encode()).hexdigest()[:32] + ".cwasm"
