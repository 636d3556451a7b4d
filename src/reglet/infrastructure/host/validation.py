"""What makes a file a Reglet plugin: its format, its imports, its exports (ABI section 1)."""

from __future__ import annotations

import wasmtime

from reglet.infrastructure.host.errors import NotAPluginError
from reglet.infrastructure.host.host_imports import host_function_type
from reglet.infrastructure.wasi import WASI_MODULE
from reglet.infrastructure.wasm.snapshot import HOST_MODULE
from reglet.infrastructure.wire.host_functions import HOST_FUNCTION_NAMES

_MAGIC = b"\0asm"
_CORE = b"\x01\0\0\0"
_COMPONENT = b"\x0d\0\x01\0"

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


def check_header(binary: bytes, source: str) -> None:
    """Raise `NotAPluginError` unless the bytes begin as a core module."""
    if not binary.startswith(_MAGIC):
        raise NotAPluginError(source, "it is not WebAssembly; build it with `reglet-plugin build`")
    version = binary[4:8]
    if version == _COMPONENT:
        raise NotAPluginError(source, "it is a component; build it with `--target core`")
    if version != _CORE:
        raise NotAPluginError(
            source, f"its WebAssembly version is {version.hex() or 'missing'}, not 01000000"
        )


def check_imports(module: wasmtime.Module, source: str) -> None:
    """Raise `NotAPluginError` if a module imports what hosts do not give."""
    for each in module.imports:
        name = f"{each.module}.{each.name}"
        if each.module == HOST_MODULE and each.name in HOST_FUNCTION_NAMES:
            _check_type(source, f"import {name}", each.type, host_function_type(each.name))
        elif each.module == HOST_MODULE:
            known = ", ".join(HOST_FUNCTION_NAMES)
            raise NotAPluginError(source, f"it imports {name}; the host functions are {known}")
        elif each.module != WASI_MODULE:
            raise NotAPluginError(
                source, f"it imports {name}; hosts give {HOST_MODULE} and {WASI_MODULE} alone"
            )
        else:
            # an error number, except for the function that does not return
            results = [] if each.name == "proc_exit" else [_I32]
            if not isinstance(each.type, wasmtime.FuncType) or each.type.results != results:
                raise NotAPluginError(source, f"its import {name} has not the type that preview 1 gives it")


def check_exports(module: wasmtime.Module, source: str) -> None:
    """Raise `NotAPluginError` unless a module exports what hosts call."""
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
