"""A plugin's file, looked at and compiled: what instances are made of."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, TypeAlias

import wasmtime
from attrs import evolve, field, frozen

from reglet.domain.ports.host_functions import HOST_FUNCTIONS
from reglet.infrastructure.engine import compiled, engine
from reglet.infrastructure.host.errors import NotAPluginError
from reglet.infrastructure.host.fuel import compiled_with_fuel, fuel_engine
from reglet.infrastructure.host.host_imports import HOST_MODULE, host_function_type
from reglet.infrastructure.host.wasi_imports import wasi_results
from reglet.infrastructure.wasi import MODULE as WASI_MODULE

if TYPE_CHECKING:
    from collections.abc import Callable

    from reglet.infrastructure.host.overlay import Overlay

    FindOverlay: TypeAlias = Callable[[bytes], Overlay | None]

_MAGIC = b"\0asm"
_CORE = b"\x01\0\0\0"
_COMPONENT = b"\x0d\0\x01\0"

_MOST_RECENT = 4
_recent: dict[tuple[str, bool], Code] = {}
"""By digest, and whether it counts fuel; the one used last comes last."""
_recent_lock = threading.Lock()

_I32, _I64 = wasmtime.ValType.i32(), wasmtime.ValType.i64()
_REQUIRED = {
    "allocate": wasmtime.FuncType([_I32], [_I32]),
    "_manifest": wasmtime.FuncType([], [_I64]),
    "_observe": wasmtime.FuncType([_I32, _I32], [_I64]),
}
_OPTIONAL = {
    "deallocate": wasmtime.FuncType([_I32, _I32], []),
    "_initialize": wasmtime.FuncType([], []),
}


@frozen
class Code:
    """A module ready to be instantiated.

    Attributes:
        source: what it is called in messages.
        digest: SHA-256 of the file, hexadecimal.
        module: the compiled code.
        engine: what it was compiled for.
        wasi_imports: the functions of preview 1 that it wants, with their types.
        overlay: the plugin's memory, where `module` is the runtime that plugins share.
    """

    source: str
    digest: str
    module: wasmtime.Module = field(repr=False)
    overlay: Overlay | None = field(repr=False, default=None)
    wasi_imports: tuple[tuple[str, wasmtime.FuncType], ...] = field(repr=False, default=())
    engine: wasmtime.Engine = field(repr=False, factory=engine)


def load_code(
    binary: bytes,
    source: str,
    *,
    fuel: bool = False,
    find_overlay: FindOverlay = lambda _binary: None,
) -> Code:
    """Look at a plugin's file and compile it, from the cache on disk where it was compiled before.

    The last few are kept in memory, so that to load a file again costs little more than to read it.

    Raises:
        NotAPluginError: it is not WebAssembly, a component, or no Reglet plugin; the text says which.
    """
    _check_header(binary, source)
    digest = hashlib.sha256(binary).hexdigest()
    with _recent_lock:
        code = _recent.pop((digest, fuel), None)
    code = evolve(code, source=source) if code else _load(binary, source, digest, fuel, find_overlay)
    with _recent_lock:
        _recent[digest, fuel] = code
        while len(_recent) > _MOST_RECENT:
            del _recent[next(iter(_recent))]
    return code


def _load(binary: bytes, source: str, digest: str, fuel: bool, find_overlay: FindOverlay) -> Code:
    overlay = None if fuel else find_overlay(binary)
    if overlay is not None:
        return Code(source, digest, overlay.module, overlay, _wasi_imports(overlay.module))
    try:
        module = compiled_with_fuel(binary, digest) if fuel else compiled(binary, digest)
    except wasmtime.WasmtimeError as problem:
        raise NotAPluginError(source, f"it does not validate: {_first_line(problem)}") from problem
    _check_imports(module, source)
    _check_exports(module, source)
    return Code(source, digest, module, None, _wasi_imports(module), fuel_engine() if fuel else engine())


def _wasi_imports(module: wasmtime.Module) -> tuple[tuple[str, wasmtime.FuncType], ...]:
    """Return the functions of preview 1 that a module imports, each once; Go imports some twice."""
    wanted = {
        each.name or "": each.type
        for each in module.imports
        if each.module == WASI_MODULE and isinstance(each.type, wasmtime.FuncType)
    }
    return tuple(wanted.items())


def _check_header(binary: bytes, source: str) -> None:
    if not binary.startswith(_MAGIC):
        raise NotAPluginError(source, "it is not WebAssembly; build it with `reglet-plugin build`")
    version = binary[4:8]
    if version == _COMPONENT:
        raise NotAPluginError(source, "it is a component; build it with `--target core`")
    if version != _CORE:
        raise NotAPluginError(
            source, f"its WebAssembly version is {version.hex() or 'missing'}, not 01000000"
        )


def _check_imports(module: wasmtime.Module, source: str) -> None:
    for each in module.imports:
        name = f"{each.module}.{each.name}"
        if each.module == HOST_MODULE and each.name in HOST_FUNCTIONS:
            _check_type(source, f"import {name}", each.type, host_function_type(each.name))
        elif each.module == HOST_MODULE:
            known = ", ".join(HOST_FUNCTIONS)
            raise NotAPluginError(source, f"it imports {name}; the host functions are {known}")
        elif each.module != WASI_MODULE:
            raise NotAPluginError(
                source, f"it imports {name}; hosts give {HOST_MODULE} and {WASI_MODULE} alone"
            )
        elif not isinstance(each.type, wasmtime.FuncType) or each.type.results != wasi_results(
            each.name or ""
        ):
            raise NotAPluginError(source, f"its import {name} has not the type that preview 1 gives it")


def _check_exports(module: wasmtime.Module, source: str) -> None:
    exports = {each.name: each.type for each in module.exports}
    missing = [name for name in ("memory", *_REQUIRED) if name not in exports]
    if missing:
        raise NotAPluginError(source, f"it does not export {', '.join(missing)}")
    memory = exports["memory"]
    if not isinstance(memory, wasmtime.MemoryType) or memory.is_64 or memory.is_shared:
        raise NotAPluginError(source, "its export memory is not a memory of 32 bits and of its own")
    for name, wanted in (_REQUIRED | _OPTIONAL).items():
        if name in exports:
            _check_type(source, f"export {name}", exports[name], wanted)


def _check_type(source: str, what: str, actual: object, wanted: wasmtime.FuncType) -> None:
    if not isinstance(actual, wasmtime.FuncType) or _signature(actual) != _signature(wanted):
        seen = _signature(actual) if isinstance(actual, wasmtime.FuncType) else "not a function"
        raise NotAPluginError(source, f"its {what} is {seen}, not {_signature(wanted)}")


def _signature(kind: wasmtime.FuncType) -> str:
    parameters = ", ".join(str(each) for each in kind.params)
    results = ", ".join(str(each) for each in kind.results)
    return f"({parameters}) -> ({results})"


def _first_line(problem: Exception) -> str:
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    return lines[-1] if lines else type(problem).__name__
